# Reference values for the statistics tests, from R. Nothing is drawn at random here: the data are literals or data.csv.
# To make them again, in this folder:  Rscript reference.R > reference.json
# Made with R 4.2.2, lme4 1.1-31, lmerTest 3.1-3, coin 1.4-2, jsonlite 1.8.4.
#
# data.csv (case, method, seed, image, y) was drawn once with numpy and rounded to 4 decimals:
#   nested, paired, three   y = method + image (sd .4) + method by image (.15) + seed within method (.08)
#                           + residual (.2), methods .1 apart; in `paired` a seed also shifts all methods alike (.1)
#   wilcoxon_100            column y alone
#   friedman_30x7[_ties]    image = block, method = treatment; _ties is the same with one decimal
#   icc_20x2                image = target, method = judge
suppressPackageStartupMessages({
  library(coin)
  library(lme4)
  library(lmerTest)
  library(jsonlite)
})
csv <- read.csv("data.csv")

# y[method, seed, image] of a case, dropping what has only one level
block <- function(case) {
  d <- csv[csv$case == case, ]
  m <- length(unique(d$method)); s <- length(unique(d$seed)); n <- length(unique(d$image))
  y <- array(NA_real_, c(m, s, n))
  y[cbind(as.integer(factor(d$method)), d$seed + 1, d$image + 1)] <- d$y
  stopifnot(!anyNA(y), nrow(d) == m * s * n)
  y
}
num <- function(x) unname(as.numeric(x))
pair <- function(x) num(x)[1:2]

# ---- one-sample Wilcoxon signed rank ------------------------------------------------------------------------------
# Without an exact distribution R finds estimate and interval by root finding on a step function. Its default
# tolerance is 1e-4, hence tol.root. The interval's ends are jumps of that function, that is, Walsh averages, but the
# estimate `pseudomedian` is then any root on a flat piece: compare with `hodges_lehmann`, the median of the Walsh
# averages. wilcox.test drops zeros before everything, the interval included; `hodges_lehmann_all` keeps them.
walsh <- function(x) { w <- outer(x, x, "+") / 2; w[upper.tri(w, diag = TRUE)] }
signed_rank <- function(x, exact, correct = NA, level = .95) {
  t <- suppressWarnings(wilcox.test(x, exact = exact, correct = isTRUE(correct), conf.int = TRUE, conf.level = level,
                                    tol.root = 1e-13))
  one_sided <- function(side) suppressWarnings(
    wilcox.test(x, exact = exact, correct = isTRUE(correct), alternative = side))$p.value
  nz <- x[x != 0]
  list(x = I(x), exact = exact, correct = correct, level = level, n = length(x), zeros = sum(x == 0),
       V = num(t$statistic), p = t$p.value, pseudomedian = num(t$estimate), interval = pair(t$conf.int),
       hodges_lehmann = median(walsh(nz)), hodges_lehmann_all = median(walsh(x)),
       # (W+ - W-) / (W+ + W-), zeros dropped
       rank_biserial = sum(sign(nz) * rank(abs(nz))) / sum(rank(abs(nz))),
       p_less = one_sided("less"), p_greater = one_sided("greater"))
}
x8 <- c(.58, .96, .56, -.74, 1.02, .66, -.13, .76)
x12 <- c(.45, -.12, -.03, -1.65, 1.74, 1.22, .04, .92, .52, -.14, 1.08, .05)
x25 <- c(1.93, -1.74, .63, -.153, -.06, .13, -1.32, .11, -.39, 2.96, .48, .02, .07, -.23, -.54, -.01, .69, .114, 1.07,
         .14, .32, 1.54, .74, -.1, .15)
x30 <- c(-.1, .1, 1, .5, -.6, .2, -.1, .3, -.6, .3, .3, 1, .4, .5, -.5, 1.3, -.8, .8, 0, -.2, 0, -.1, .4, .1, .9, -.7,
         .2, 0, .6, -.9)
x100 <- block("wilcoxon_100")[1, 1, ]
for (x in list(x8, x12, x25, x100)) stopifnot(!anyDuplicated(abs(x)), all(x != 0))
stopifnot(sum(x30 == 0) == 3, anyDuplicated(abs(x30[x30 != 0])) > 0)
wilcoxon <- list(
  exact_8 = signed_rank(x8, TRUE), exact_12 = signed_rank(x12, TRUE), exact_25 = signed_rank(x25, TRUE),
  exact_12_level_90 = signed_rank(x12, TRUE, level = .90), exact_100 = signed_rank(x100, TRUE),
  ties_zeros_30 = signed_rank(x30, FALSE, FALSE), ties_zeros_30_corrected = signed_rank(x30, FALSE, TRUE),
  asymptotic_100 = signed_rank(x100, FALSE, FALSE), asymptotic_100_corrected = signed_rank(x100, FALSE, TRUE))

# coin: no continuity correction; Z > 0 where x tends to be positive
coin_signed_rank <- function(x, zero) {
  d <- data.frame(x = x, o = 0)
  a <- wilcoxsign_test(x ~ o, data = d, zero.method = zero)
  e <- wilcoxsign_test(x ~ o, data = d, zero.method = zero, distribution = "exact")
  list(x = I(x), zero_method = tolower(zero), z = num(statistic(a)), p_asymptotic = num(pvalue(a)),
       p_exact = num(pvalue(e)))
}
coin_cases <- list()
for (zero in c("Pratt", "Wilcoxon")) {
  coin_cases[[paste0(tolower(zero), "_12")]] <- coin_signed_rank(x12, zero)
  coin_cases[[paste0(tolower(zero), "_ties_zeros_30")]] <- coin_signed_rank(x30, zero)
  coin_cases[[paste0(tolower(zero), "_100")]] <- coin_signed_rank(x100, zero)
}

# ---- multiplicity ------------------------------------------------------------------------------------------------
adjust <- function(p) list(p = I(p), holm = I(p.adjust(p, "holm")), bh = I(p.adjust(p, "BH")),
                           bonferroni = I(p.adjust(p, "bonferroni")))
p_adjust <- list(
  unsorted = adjust(c(.04, .001, .2, .012, .75, .03)),
  ties = adjust(c(.02, .01, .02, .5, .01, .02, .9)),
  capped = adjust(c(.6, .0004, .8, .6, .013, 1)),
  monotone = adjust(c(.0110, .0101, .0105, .0102)), # the adjusted values need the running maximum or minimum
  single = adjust(.03))

# ---- Friedman ----------------------------------------------------------------------------------------------------
# W = chi2 / (n (k - 1)) with the chi2 that is corrected for ties; F = (n - 1) chi2 / (n (k - 1) - chi2) on
# k - 1 and (k - 1)(n - 1) degrees of freedom (Iman & Davenport 1980).
friedman <- function(y) {
  t <- friedman.test(y)
  n <- nrow(y); k <- ncol(y); chi <- num(t$statistic)
  f <- (n - 1) * chi / (n * (k - 1) - chi)
  list(y = y, n = n, k = k, chi2 = chi, df = num(t$parameter), p = t$p.value, kendall_w = chi / (n * (k - 1)),
       mean_ranks = colMeans(t(apply(y, 1, rank))), iman_davenport_f = f, df1 = k - 1, df2 = (k - 1) * (n - 1),
       iman_davenport_p = pf(f, k - 1, (k - 1) * (n - 1), lower.tail = FALSE))
}
y12 <- matrix(c(1.2, 1.69, .06, 1.22, 1.55, 1.88, 1.7, 2.24, 2.61, 2.91, 2.86, 2.56, .59, 1.28, 1, 1.94,
                2.09, 2.49, 1.86, 2.62, .33, .57, 1.03, 1.31, .87, 1.01, 1.95, 1.66, 1.75, 1.62, 1.69, 1.85,
                1.24, 1.02, 1.62, 1.17, .74, .76, 1.37, 1.35, .94, 2.28, 1.44, 1.74, 1.85, 2.6, 1.94, 2.48),
              12, byrow = TRUE)
y12_ties <- matrix(c(1.2, 1.7, .1, 1.2, 1.5, 1.9, 1.7, 2.2, 2.6, 2.9, 2.9, 2.6, .6, 1.3, 1, 1.9,
                     2.1, 2.5, 1.9, 2.6, .3, .6, 1, 1.3, .9, 1, 1.9, 1.7, 1.7, 1.6, 1.7, 1.8,
                     1.2, 1, 1.6, 1.2, .7, .8, 1.4, 1.3, .9, 2.3, 1.4, 1.7, 1.9, 2.6, 1.9, 2.5), 12, byrow = TRUE)
friedman_cases <- list(blocks_12x4 = friedman(y12), blocks_12x4_ties = friedman(y12_ties),
                       blocks_30x7 = friedman(t(block("friedman_30x7")[, 1, ])),
                       blocks_30x7_ties = friedman(t(block("friedman_30x7_ties")[, 1, ])))

# ---- studentized range, infinite df (Nemenyi) --------------------------------------------------------------------
# qtukey stops once a step is below 1e-4, so `q_over_sqrt2` solves ptukey = 1 - alpha instead. R's ptukey itself is off
# by up to 2e-8, absolutely, for k = 20 (2e-11 up to k = 7): compare with 1e-7.
# critical difference = q / sqrt(2) * sqrt(k (k + 1) / (6 N))
q_exact <- function(alpha, k) uniroot(function(q) ptukey(q, k, Inf, lower.tail = FALSE) - alpha, c(.5, 8),
                                      tol = 1e-14, maxiter = 10000)$root
q_table <- function(alpha) list(alpha = alpha, k = 2:20, q_over_sqrt2 = sapply(2:20, q_exact, alpha = alpha) / sqrt(2),
                                qtukey_over_sqrt2 = qtukey(1 - alpha, 2:20, Inf) / sqrt(2))
cd <- function(alpha, k, n) list(alpha = alpha, k = k, n = n,
                                 critical_difference = q_exact(alpha, k) / sqrt(2) * sqrt(k * (k + 1) / (6 * n)))
q_grid <- expand.grid(q = c(.5, 1.5, 3, 4, 5.5), k = c(2, 4, 7, 20))
nemenyi <- list(
  critical = list(q_table(.05), q_table(.10)),
  critical_difference = list(cd(.05, 4, 14), cd(.10, 4, 14), cd(.05, 7, 30)),
  ptukey = list(q = q_grid$q, k = q_grid$k, p = ptukey(q_grid$q, q_grid$k, Inf, lower.tail = FALSE)))

# ---- exact McNemar -----------------------------------------------------------------------------------------------
discordant <- list(c(10, 2), c(2, 10), c(5, 5), c(0, 7), c(7, 0), c(0, 5), c(1, 12), c(3, 3), c(0, 1), c(2, 3),
                   c(25, 30), c(120, 80), c(6, 20))
mcnemar_exact <- lapply(discordant, function(d) list(b = d[1], c = d[2], p = binom.test(d[1], sum(d))$p.value))

# ---- Kendall's tau-b ---------------------------------------------------------------------------------------------
# without ties p is exact (n < 50), with ties it is asymptotic, without continuity correction
kendall <- function(x, y) {
  t <- suppressWarnings(cor.test(x, y, method = "kendall"))
  list(x = I(x), y = I(y), tau = num(t$estimate), p = t$p.value, exact = "T" %in% names(t$statistic))
}
kendall_cases <- list(
  no_ties = kendall(c(1, 2, 3, 4, 5, 6, 7, 8, 9), c(2, 1, 4, 3, 7, 5, 9, 6, 8)),
  reversed = kendall(1:6, 6:1),
  ties_in_one = kendall(1:8, c(2, 1, 3, 3, 5, 8, 5, 7)),
  ties_in_both = kendall(c(1, 2.5, 2.5, 4, 5.5, 5.5, 7, 8), c(1, 3, 3, 3, 6, 5, 7.5, 7.5)))

# ---- t tests on seed means, TOST ---------------------------------------------------------------------------------
describe <- function(t, estimate) list(estimate = estimate, se = t$stderr, t = num(t$statistic), df = num(t$parameter),
                                       p = t$p.value, interval_95 = pair(t$conf.int))
paired_t <- function(a, b) c(list(a = I(a), b = I(b)), describe(t.test(a, b, paired = TRUE), mean(a - b)))
welch_t <- function(a, b) c(list(a = I(a), b = I(b)), describe(t.test(a, b), mean(a) - mean(b)))
a3 <- c(1.021, .987, 1.054); b3 <- c(1.102, 1.036, 1.089)
a5 <- c(.912, .874, .951, .897, .933); b5 <- c(.961, .94, .948, .982, .97); b4 <- c(.99, .875, 1.051, .967)
t_tests <- list(paired_3 = paired_t(a3, b3), paired_5 = paired_t(a5, b5),
                welch_3_3 = welch_t(a3, b3), welch_5_4 = welch_t(a5, b4))
tost <- function(a, b, margin) {
  low <- t.test(a, b, paired = TRUE, mu = -margin, alternative = "greater")
  high <- t.test(a, b, paired = TRUE, mu = margin, alternative = "less")
  list(a = I(a), b = I(b), margin = margin, p_above_minus_margin = low$p.value, p_below_margin = high$p.value,
       p = max(low$p.value, high$p.value), interval_90 = pair(t.test(a, b, paired = TRUE, conf.level = .90)$conf.int))
}
tost_cases <- list(inconclusive_3 = tost(a3, b3, .05), equivalent_5 = tost(a5, b5, .1),
                   not_equivalent_5 = tost(a5, b5, .02), hundred = tost(x100, 0 * x100, .25))

# ---- ICC(A,1) ----------------------------------------------------------------------------------------------------
# McGraw & Wong 1996, Psychological Methods 1(1), 30-46, two-way, absolute agreement, single measure; n targets (rows),
# k judges (columns):
#   ICC(A,1) = r = (MSR - MSE) / (MSR + (k - 1) MSE + k/n (MSC - MSE))                              (table 4)
#   a = k r / (n (1 - r)),  b = 1 + k r (n - 1) / (n (1 - r))                                        (table 7)
#   v = (a MSC + b MSE)^2 / ((a MSC)^2 / (k - 1) + (b MSE)^2 / ((n - 1)(k - 1)))
#   F1 = F(1 - alpha/2; n - 1, v),  F2 = F(1 - alpha/2; v, n - 1)
#   lower = n (MSR - F1 MSE) / (F1 (k MSC + (k n - k - n) MSE) + n MSR)
#   upper = n (F2 MSR - MSE) / (k MSC + (k n - k - n) MSE + n F2 MSR)
icc <- function(y, alpha = .05) {
  n <- nrow(y); k <- ncol(y)
  d <- data.frame(y = c(y), target = factor(row(y)), judge = factor(col(y)))
  ms <- summary(aov(y ~ target + judge, d))[[1]][["Mean Sq"]]
  msr <- ms[1]; msc <- ms[2]; mse <- ms[3]
  r <- (msr - mse) / (msr + (k - 1) * mse + k / n * (msc - mse))
  a <- k * r / (n * (1 - r)); b <- 1 + k * r * (n - 1) / (n * (1 - r))
  v <- (a * msc + b * mse)^2 / ((a * msc)^2 / (k - 1) + (b * mse)^2 / ((n - 1) * (k - 1)))
  f1 <- qf(1 - alpha / 2, n - 1, v); f2 <- qf(1 - alpha / 2, v, n - 1)
  rest <- k * msc + (k * n - k - n) * mse
  list(y = y, n = n, k = k, ms_target = msr, ms_judge = msc, ms_residual = mse, icc = r, v = v,
       interval_95 = c(n * (msr - f1 * mse) / (f1 * rest + n * msr), n * (f2 * msr - mse) / (rest + n * f2 * msr)))
}
shrout_fleiss <- matrix(c(9, 2, 5, 8, 6, 1, 3, 2, 8, 4, 6, 8, 7, 1, 2, 6, 10, 5, 6, 9, 6, 2, 4, 7), 6, byrow = TRUE)
icc_cases <- list(shrout_fleiss_1979 = icc(shrout_fleiss), targets_20x2 = icc(t(block("icc_20x2")[, 1, ])))

# ---- power, noncentral t -----------------------------------------------------------------------------------------
# two-sided at .05: power = P(|T| > t_{.975, df}) with T noncentral; df need not be whole. R's pt is good to some 1e-12
# absolutely, so compare the small lower tails absolutely.
noncentral <- expand.grid(ncp = c(0, .5, 1, 2, 2.8, 4), df = c(2, 2.31, 5, 9.7, 39, 400))
critical <- qt(.975, noncentral$df)
one_sample_power <- function(n, delta, sd) list(n = n, delta = delta, sd = sd, power = power.t.test(
  n, delta, sd, type = "one.sample", strict = TRUE)$power, delta_for_80 = power.t.test(
  n, sd = sd, power = .8, type = "one.sample", strict = TRUE, tol = 1e-13)$delta)
power <- list(
  noncentral_t = list(ncp = noncentral$ncp, df = noncentral$df, t_critical = critical,
                      cdf_at_critical = pt(critical, noncentral$df, noncentral$ncp),
                      cdf_at_minus_critical = pt(-critical, noncentral$df, noncentral$ncp),
                      power = 1 - pt(critical, noncentral$df, noncentral$ncp) +
                        pt(-critical, noncentral$df, noncentral$ncp)),
  one_sample = list(one_sample_power(5, .3, .2), one_sample_power(40, .1, .25), one_sample_power(100, .05, .2)))

# ---- crossed models ----------------------------------------------------------------------------------------------
# y[method, seed, image], d[seed, image] = m1 - m0. `lmer` pools residual and seed variance over all methods. The
# optimiser's tolerances are tight, as the defaults leave relative errors of some 1e-6. Even so lmer's figures differ by
# 1e-8 from run to run, and Satterthwaite's df rest on numerical derivatives: compare with 1e-6.
# `mean_squares` and `pooled` are the same from aov: with all components positive and balanced data REML is ANOVA, and
# `pooled` says what lmer's SE and df would be without numerical error. `separate` lets seed and residual variances
# differ between the two methods of a contrast and uses no third method: V = MS(method:image) 2 / (S N) + the sum over
# the two methods of (MS_seed - MS_residual) / (S N), with Satterthwaite's df over these five mean squares.
tight <- list(algorithm = "NLOPT_LN_BOBYQA", xtol_abs = 1e-12, xtol_rel = 1e-12, ftol_abs = 1e-14, ftol_rel = 1e-15,
              maxeval = 100000)
control <- lmerControl(optimizer = "nloptwrap", optCtrl = tight)
long <- function(y) {
  at <- which(is.finite(y), arr.ind = TRUE)
  data.frame(y = y[at], method = factor(paste0("m", at[, 1] - 1)), seed = factor(at[, 2]), image = factor(at[, 3]))
}
components <- function(fit) {
  stopifnot(!isSingular(fit, tol = 1e-2))
  v <- as.data.frame(VarCorr(fit))
  as.list(setNames(v$vcov, tolower(gsub(":", "_by_", v$grp))))
}
effect <- function(fit, weights) {
  e <- contest1D(fit, weights)
  half <- qt(.975, e$df) * e[["Std. Error"]]
  list(estimate = e$Estimate, se = e[["Std. Error"]], df = e$df, t = e[["t value"]], p = e[["Pr(>|t|)"]],
       interval_95 = c(e$Estimate - half, e$Estimate + half))
}
satterthwaite <- function(estimate, ms, weight, df) {
  v <- sum(weight * ms)
  f <- v^2 / sum((weight * ms)^2 / df)
  t <- estimate / sqrt(v)
  half <- qt(.975, f) * sqrt(v)
  list(estimate = estimate, se = sqrt(v), df = f, t = t, p = 2 * pt(-abs(t), f),
       interval_95 = c(estimate - half, estimate + half))
}
separate <- function(y) { # y[2, seed, image], the difference is of the first method and the second
  S <- dim(y)[2]; N <- dim(y)[3]
  d <- long(y)
  both <- anova(aov(y ~ method + image + method:image, d))["method:image", ]
  one <- lapply(split(d, d$method), function(m) anova(aov(y ~ seed + image, m)))
  ms <- c(both[["Mean Sq"]], sapply(one, function(a) a[c("seed", "Residuals"), "Mean Sq"]))
  df <- c(both[["Df"]], sapply(one, function(a) a[c("seed", "Residuals"), "Df"]))
  stopifnot(ms[2] > ms[3], ms[4] > ms[5])
  c(satterthwaite(mean(y[1, , ]) - mean(y[2, , ]), ms, c(2, 1, -1, 1, -1) / (S * N), df),
    list(ms_seed_a = ms[2], ms_residual_a = ms[3], ms_seed_b = ms[4], ms_residual_b = ms[5]))
}
crossed <- function(case) {
  y <- block(case)
  M <- dim(y)[1]; S <- dim(y)[2]; N <- dim(y)[3]
  d <- long(y)
  fit <- lmer(y ~ method + (1 | image) + (1 | method:image) + (1 | method:seed), d, REML = TRUE, control = control)
  a <- anova(aov(y ~ method + image + method:image + method:seed, d))
  ms <- setNames(a[["Mean Sq"]], rownames(a)); df <- setNames(a[["Df"]], rownames(a))
  used <- c("method:image", "method:seed", "Residuals")
  means <- apply(y, 1, mean)
  contrasts <- list()
  for (i in seq_len(M)) for (j in seq_len(i - 1)) {
    weights <- numeric(M); weights[i] <- 1; weights[j] <- -1
    weights[1] <- 0 # treatment coding: the intercept is m0, the others are differences from it
    contrasts[[length(contrasts) + 1]] <- list(
      a = paste0("m", i - 1), b = paste0("m", j - 1), lmer = effect(fit, weights),
      pooled = satterthwaite(means[i] - means[j], ms[used], c(2, 2, -2) / (S * N), df[used]),
      separate = separate(y[c(i, j), , ]))
  }
  list(y = y, method_means = means, contrasts = contrasts, components = components(fit),
       mean_squares = list(image = ms[["image"]], method_by_image = ms[["method:image"]],
                           method_by_seed = ms[["method:seed"]], residual = ms[["Residuals"]]))
}
crossed_differences <- function(case) {
  y <- block(case)
  d <- y[2, , ] - y[1, , ]
  S <- nrow(d); N <- ncol(d)
  l <- data.frame(d = c(d), seed = factor(row(d)), image = factor(col(d)))
  fit <- lmer(d ~ 1 + (1 | seed) + (1 | image), l, REML = TRUE, control = control)
  a <- anova(aov(d ~ seed + image, l))
  ms <- setNames(a[["Mean Sq"]], rownames(a))
  list(y = y, contrast = list(a = "m1", b = "m0", lmer = effect(fit, 1),
                              pooled = satterthwaite(mean(d), ms, c(1, 1, -1) / (S * N), a[["Df"]])),
       components = components(fit),
       mean_squares = list(seed = ms[["seed"]], image = ms[["image"]], residual = ms[["Residuals"]]))
}
crossed_cases <- list(nested = crossed("nested"), paired = crossed_differences("paired"), three = crossed("three"))

made_with <- c(list(R = paste(R.version$major, R.version$minor, sep = ".")),
               sapply(c("lme4", "lmerTest", "coin", "jsonlite"), simplify = FALSE,
                      function(p) as.character(packageVersion(p))))
cat(toJSON(list(made_with = made_with, wilcoxon = wilcoxon, coin_signed_rank = coin_cases, p_adjust = p_adjust,
                friedman = friedman_cases, nemenyi = nemenyi, mcnemar_exact = mcnemar_exact, kendall = kendall_cases,
                t_tests = t_tests, tost = tost_cases, icc_a1 = icc_cases, power = power, crossed = crossed_cases),
           digits = NA, auto_unbox = TRUE, na = "null", pretty = TRUE), "\n", sep = "")
