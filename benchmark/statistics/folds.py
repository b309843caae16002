"""Cross-validation: what is known of training procedures where each image was tested by networks that never saw it.

In each of R repetitions persons are dealt out to K folds, and the images of a fold are tested by networks of the other
folds. An image's score is its mean over repetitions, a person's the mean over the images. Training sets of one data set
share most of their images, and the persons that are tested are those that train the other folds, so that neither scores
of persons nor means of folds are independent; no estimator of the variance of their mean is unbiased whatever the law
of the scores (Bengio and Grandvalet 2004, theorem 1). Nadeau and Bengio (2003, section 3, equation 9) correct the
variance of the mean of J resampled estimates with a share n_test / n_train of images::

    V = (1/J + n_test/n_train) S^2        S^2: variance of the J estimates, J - 1 degrees of freedom

Here J = K, n_test / n_train = 1 / (K - 1), and in the place of the variance of the folds' means, which are few, stands
that of persons, which are many; with D[i] the difference of person i, averaged over repetitions, and N persons::

    V = (1 + K/(K - 1)) var(D) / N        N - 1 degrees of freedom

Repetitions draw on the same persons again: they make var(D) smaller and not the factor. How often tests by this rule
and by others err, with networks that are trained: ``docs/validation.md``, Cross-validation.
"""

from __future__ import annotations

#: Why nothing is said of the trained networks.
NO_NETWORKS = 'in a cross-validation each network has tested other images'


def inflation(folds: int) -> float:
    """What the variance of persons over their number is multiplied by: 1 + K n_test / n_train = 1 + K / (K - 1).

    Args:
        folds: K, at least 2.
    """
    return 1 + folds / (folds - 1)
