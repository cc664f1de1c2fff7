using System.Reflection;
using System.Security.Cryptography;

namespace CudnnResNet;

/// <summary>
/// Tells builds of this program apart. The compiler makes a module's id from everything that it compiled: builds with the
/// same id hold the same code, whatever their version says.
/// </summary>
public static class BuildIdentity
{
    private const int DigestCharacters = 12;

    /// <summary>Of the core and these modules: <c>0f3a5c72b9d1</c>.</summary>
    /// <param name="modules">In any order; a module may be there more than once.</param>
    public static string Of(params IEnumerable<Module> modules)
    {
        Module core = typeof(BuildIdentity).Module;
        byte[] ids = [.. modules.Append(core).Select(module => module.ModuleVersionId).Distinct().Order().SelectMany(id => id.ToByteArray())];
        return Convert.ToHexStringLower(SHA256.HashData(ids))[..DigestCharacters];
    }
}
