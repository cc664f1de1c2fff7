#!/usr/bin/env python3
"""Images a second of a PyTorch DataLoader: JPEG files to normalised 224 x 224 training batches.

    torch_loader.py FOLDER [--workers 2] [--batch 64] [--seconds 15]

Every file of the folder, over and over; prints one JSON object. Debian: python3-torchvision (0.14).
"""
import argparse, glob, json, os, time
import torch, torchvision
from PIL import Image
from torchvision import transforms as T


class Files(torch.utils.data.Dataset):
    def __init__(self, folder, length):
        self.paths = sorted(path for pattern in ('*.jpg', '*.jpeg', '*.JPEG') for path in glob.glob(os.path.join(folder, pattern)))
        self.length = length
        self.transform = T.Compose([T.RandomResizedCrop(224), T.RandomHorizontalFlip(), T.ToTensor(),
                                    T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        with open(self.paths[index % len(self.paths)], 'rb') as file:
            return self.transform(Image.open(file).convert('RGB')), 0


arguments = argparse.ArgumentParser()
arguments.add_argument('folder')
arguments.add_argument('--workers', type=int, default=2)
arguments.add_argument('--batch', type=int, default=64)
arguments.add_argument('--seconds', type=float, default=15)
a = arguments.parse_args()
torch.set_num_threads(1)
loader = torch.utils.data.DataLoader(Files(a.folder, 1_000_000), batch_size=a.batch, num_workers=a.workers, prefetch_factor=2)
batches = iter(loader)
for _ in range(2 * a.workers + 2):
    next(batches)
start, images = time.perf_counter(), 0
while time.perf_counter() - start < a.seconds:
    images += next(batches)[0].shape[0]
seconds = time.perf_counter() - start
print(json.dumps({'loader': f'torchvision {torchvision.__version__}', 'workers': a.workers, 'batch': a.batch,
                  'imagesPerSecond': round(images / seconds, 1)}))
