"""Seeds that learn, as seeds: their signals come from `genome.learned`, whose gate says which may be lived by."""

from genome.learned.genes import PTQ_GENES, SVC_GENES
from genome.seeds.seed import Seed

LINEAR_SVC = Seed(
    name="linear_svc",
    genes=SVC_GENES,
    mathematics="Features of the bars, standardised; a linear support vector classifier tells −1, 0 or 1: whether the open-to-open return of "
    "`horizon` bars will lie beyond ±band. Position = prediction. Learned walk-forward from the newest `window` rows, made anew every "
    "`refit` bars, with purge and embargo; a bar is never predicted by a model that has seen it.",
    why="A plane through fifty weak measures may tell what none tells alone; a linear one has few ways to fool itself.",
    source="C. Cortes and V. Vapnik, 'Support-vector networks', Machine Learning 20 (1995), pp. 273–297; Fan et al., 'LIBLINEAR', "
    "JMLR 9 (2008), pp. 1871–1874; M. López de Prado, 'Advances in Financial Machine Learning' (2018), ch. 7.",
    rows="S4-24.12, S4-25.1, S4-25.2, S4-25.14, S4-25.15",
    example="a market whose next return is told by one of fifty features: right in more than nine of ten bars it had not seen.",
)

PCA_TREE_QUANTILE = Seed(
    name="pca_tree_quantile",
    genes=PTQ_GENES,
    mathematics="Features → components that keep `variance` → a regression tree → three linear quantiles of the forward return on components "
    "and (cross-fitted) tree value. Long while the mean of the three is above band and the upside at least the downside, out when the "
    "mean is not positive; short in the mirror. Walk-forward as linear_svc.",
    why="A forecast of the whole distribution says what is risked as well as what is hoped; size can follow it.",
    source="R. Koenker and G. Bassett, 'Regression quantiles', Econometrica 46 (1978), pp. 33–50; L. Breiman et al., 'Classification and "
    "Regression Trees' (1984); D. Wolpert, 'Stacked generalization', Neural Networks 5 (1992), pp. 241–259.",
    rows="S4-24.13, S4-25.5, S4-25.6, S4-25.14, S4-25.15",
    example="a market whose next return is told by one of fifty features: right in more than seven of ten bars it had not seen.",
)

LEARNING = (LINEAR_SVC, PCA_TREE_QUANTILE)
