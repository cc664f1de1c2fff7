// The VEX-encoded instructions of AMX-TILE and AMX-BF16 as bytes.
#pragma once

#include <stdint.h>
#include <string.h>
#include <ucontext.h>

namespace amxtrap {

enum class Kind { ldtilecfg, sttilecfg, tilerelease, tilezero, tileloadd, tileloaddt1, tilestored, tdpbf16ps };

constexpr const char* kNames[] = {
    "ldtilecfg", "sttilecfg", "tilerelease", "tilezero", "tileloadd", "tileloaddt1", "tilestored", "tdpbf16ps"};

struct Instruction {
    Kind kind;
    int length;
    int tile, a, b;    // registers; a and b of tdpbf16ps only
    uint8_t* address;  // of the memory operand, without the index of those that take a stride
    int64_t stride;    // index times scale
};

inline int64_t general_register(const greg_t* registers, int number) {
    constexpr int kOrder[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
    return registers[kOrder[number]];
}

// The memory operand behind opcode and ModRM; at: the byte behind ModRM. Returns the byte behind the operand.
inline const uint8_t* memory_operand(
    const uint8_t* at, int modrm, bool x, bool b, const greg_t* registers, int64_t& address, int64_t& index) {
    const int mod = modrm >> 6, rm = modrm & 7;
    index = 0;
    bool relative = false, wide = mod == 2;
    if (rm == 4) {
        const int sib = *at++, base = sib & 7, number = (sib >> 3 & 7) | x << 3;
        if (number != 4)
            index = general_register(registers, number) * (1 << (sib >> 6));
        if (base == 5 && mod == 0) {
            address = 0;
            wide = true;
        } else {
            address = general_register(registers, base | b << 3);
        }
    } else if (rm == 5 && mod == 0) {
        relative = wide = true;
        address = 0;
    } else {
        address = general_register(registers, rm | b << 3);
    }
    if (wide) {
        int32_t displacement;
        memcpy(&displacement, at, 4);
        at += 4;
        address += displacement;
    } else if (mod == 1) {
        address += int8_t(*at++);
    }
    // None of these instructions has an immediate: the next one begins here.
    if (relative)
        address += reinterpret_cast<int64_t>(at);
    return at;
}

// False for everything else.
inline bool decode(const uint8_t* code, const greg_t* registers, Instruction& found) {
    if (code[0] != 0xc4)
        return false;
    const bool r = !(code[1] & 0x80), x = !(code[1] & 0x40), b = !(code[1] & 0x20);
    if ((code[1] & 0x1f) != 2 || (code[2] & 0x84) != 0)
        return false;
    const int prefix = code[2] & 3, source = ~code[2] >> 3 & 15, opcode = code[3], modrm = code[4];
    const int mod = modrm >> 6, reg = (modrm >> 3 & 7) | r << 3, rm = modrm & 7;
    constexpr int kNone = 0, k66 = 1, kF3 = 2, kF2 = 3;
    found = {};
    found.tile = reg;
    found.length = 5;
    if (opcode == 0x5c && prefix == kF3 && mod == 3) {
        found.kind = Kind::tdpbf16ps;
        found.a = rm | b << 3;
        found.b = source;
        return reg < 8 && found.a < 8 && found.b < 8;
    }
    if (source != 0 || reg >= 8)
        return false;
    if (opcode == 0x49 && mod == 3) {
        if (prefix == kNone && modrm == 0xc0 && !b) {
            found.kind = Kind::tilerelease;
            return true;
        }
        found.kind = Kind::tilezero;
        return prefix == kF2 && rm == 0 && !b;
    }
    if (mod == 3)
        return false;
    if (opcode == 0x49 && reg == 0 && (prefix == kNone || prefix == k66))
        found.kind = prefix == kNone ? Kind::ldtilecfg : Kind::sttilecfg;
    else if (opcode == 0x4b && rm == 4 && prefix != kNone)
        found.kind = prefix == kF2 ? Kind::tileloadd : prefix == k66 ? Kind::tileloaddt1 : Kind::tilestored;
    else
        return false;
    int64_t address;
    found.length = int(memory_operand(code + 5, modrm, x, b, registers, address, found.stride) - code);
    if (opcode == 0x49)
        address += found.stride;
    found.address = reinterpret_cast<uint8_t*>(address);
    return true;
}

}  // namespace amxtrap
