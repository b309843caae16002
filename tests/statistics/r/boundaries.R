# What rpact says of boundaries of two-sided tests; prints JSON.
# Where a look spends less than 1e-9 rpact 3.3.4 may give Inf, and the boundary after it is off: such cases are left out.
# To make it again, in this folder:  Rscript boundaries.R > boundaries.json
suppressMessages({library(rpact); library(jsonlite)})
critical <- function(times, alpha, type, gamma = NULL) {
  given <- list(kMax = length(times), informationRates = times, alpha = alpha, sided = 2, typeOfDesign = type,
                tolerance = 1e-10)
  if (!is.null(gamma)) given$gammaA <- gamma
  do.call(getDesignGroupSequential, given)$criticalValues
}
times <- list((1:5) / 5, c(0.3, 0.45, 1), c(0.15, 0.2, 0.5, 0.55, 1), (3:10) / 10, (3:20) / 20)
kinds <- list(list("obrien_fleming", "asOF", NULL), list("pocock", "asP", NULL), list("hsd:-1", "asHSD", -1),
              list("hsd:-4", "asHSD", -4))
cases <- list()
for (kind in kinds) for (own in times) for (alpha in c(0.05, 0.01, 0.05 / 6)) {
  found <- suppressWarnings(critical(own, alpha, kind[[2]], kind[[3]]))
  if (all(is.finite(found))) {
    cases[[length(cases) + 1]] <- list(
      spending = unbox(kind[[1]]), times = own, alpha = unbox(alpha), critical = found)
  }
}
classic <- list()
for (looks in c(2, 5, 10)) for (alpha in c(0.05, 0.01)) {
  classic[[length(classic) + 1]] <- list(
    looks = unbox(looks), alpha = unbox(alpha),
    obrien_fleming = unbox(tail(critical((1:looks) / looks, alpha, "OF"), 1)),
    pocock = unbox(critical((1:looks) / looks, alpha, "P")[1]))
}
cat(toJSON(list(made_by = unbox(paste("rpact", packageVersion("rpact"), "under", R.version.string)), cases = cases,
                classic = classic), digits = 12, pretty = FALSE), "\n")
