"""FT: fine-tuning, nothing frozen."""
_base_ = ['../_base_/models/simple_baseline.py', '../_base_/datasets/landmarks_256.py',
          '../_base_/schedules/adam_poly_150e.py', '../_base_/default_runtime.py']
