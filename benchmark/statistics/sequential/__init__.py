"""Looking at a suite more than once, with an error rate that holds over all looks.

A suite that declares :class:`.plan.SequentialPlan` may be analysed after each further seed, and stops where its planned
contrasts are settled. Nothing heavy is imported here: a plan that checks its options waits for no array.
"""
