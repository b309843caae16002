#!/usr/bin/env bash
# torch 2.13.0 on a CPU, activations with inplace=True in training.
#
# Behaviour: ReLU, LeakyReLU and ELU in place take no memory, as their gradient is read off their output. ReLU6 (and Hardtanh,
# which it is) first clones its input for the gradient, so that in training inplace=True allocates exactly what inplace=False does:
# a map for each activation. It need not: the same backward kernel, given the output, gives the same gradient to the bit, but for
# inputs of exactly 0 or 6, where it is 0 either way.
#
# Seen on 2026-11-29 (a map of 4 x 64 x 40 x 40 floats, 1,638,400 bytes; maps allocated by one activation in training):
#   ReLU       in place 0.0, else 1.0
#   LeakyReLU  in place 0.0, else 1.0
#   ELU        in place 0.0, else 1.0
#   ReLU6      in place 1.0, else 1.0
#   Hardtanh   in place 1.0, else 1.0
#   ReLU6 without a gradient, in place 0.0
#
# Why it matters: MobileNets and EfficientNet-Lite have a ReLU6 behind two of three convolutions, and their implementations write
# inplace=True. Of the three maps that convolution, batch norm and ReLU6 then keep for the gradient one is for nothing, and a copy
# of it at each step; an autograd function of ten lines that clamps in place and keeps its output does without.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
    torch==2.13.0 numpy==2.4.6 2>"$folder/pip.log" || { cat "$folder/pip.log" >&2; exit 2; }
cd "$folder"
venv/bin/python - <<'PYTHON'
import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile

SHAPE = (4, 64, 40, 40)
BYTES = 4 * 4 * 64 * 40 * 40


def maps(kind, in_place, gradient=True):
    """Maps that one activation allocates in its forward."""
    before = torch.randn(SHAPE, requires_grad=gradient) * 1.0
    layer = kind(inplace=in_place)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
        after = layer(before)
    assert (after.data_ptr() == before.data_ptr()) == in_place
    return sum(max(0, event.self_cpu_memory_usage) for event in seen.key_averages()) / BYTES


expected = {nn.ReLU: 0, nn.LeakyReLU: 0, nn.ELU: 0, nn.ReLU6: 1, nn.Hardtanh: 1}
for kind, wanted in expected.items():
    found = maps(kind, True), maps(kind, False)
    print(f"{kind.__name__:10} in place {found[0]:.1f}, else {found[1]:.1f}")
    assert found == (wanted, 1), f"{kind.__name__} allocates otherwise than is stated"
without = maps(nn.ReLU6, True, gradient=False)
print(f"ReLU6 without a gradient, in place {without:.1f}")
assert without == 0

torch.manual_seed(0)
x = (torch.randn(SHAPE) * 4).requires_grad_()
with torch.no_grad():
    x[0, 0, 0, :2] = torch.tensor([0.0, 6.0])
y = nn.functional.relu6(x)
gradient = torch.randn(SHAPE)
stock, = torch.autograd.grad(y, x, gradient)
read_off = torch.ops.aten.hardtanh_backward(gradient, y.detach(), 0, 6)
assert torch.equal(stock, read_off) and not stock[0, 0, 0, :2].any()
print("as stated: ReLU6 in place clones its input for a gradient that its output gives to the bit")
PYTHON
