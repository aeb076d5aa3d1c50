"""The peers' part of the benchmarks: the same work as Ours/main.swift, one JSON line for each measurement."""

import json
import pathlib
import sys
import time
import warnings

import numpy

folder = pathlib.Path(sys.argv[1])
warnings.filterwarnings("ignore")


def report(work, program, body, approximate=False):
    start = time.process_time()
    check = body()
    seconds = time.process_time() - start
    print(json.dumps({"work": work, "program": program, "seconds": seconds, "check": float(check),
                      "approximate": approximate}))


def correlations(zx, zy):
    return sum(abs(numpy.corrcoef(zx[:, i], zy[:, i])[0, 1]) for i in range(zx.shape[1]))


def closed_form(x, y, k):
    """The textbook's way: orthogonal bases of both sides, singular values of their product."""
    qx = numpy.linalg.qr(x - x.mean(0))[0]
    qy = numpy.linalg.qr(y - y.mean(0))[0]
    return numpy.linalg.svd(qx.T @ qy, compute_uv=False)[:k].sum()


def ranks(scores, captions):
    """Ranks as the field's evaluation programs count them: by sorting every row and column."""
    best = 0
    for i in range(scores.shape[0]):
        order = numpy.argsort(scores[i])[::-1]
        best += min(numpy.where(order == c)[0][0] for c in range(captions * i, captions * (i + 1))) + 1
    columns = scores.T
    for j in range(columns.shape[0]):
        best += numpy.where(numpy.argsort(columns[j])[::-1] == j // captions)[0][0] + 1
    return best


x, y = (numpy.load(folder / name) for name in ("x.npy", "y.npy"))
work = "CCA, 10000 rows of 200 and 200, 10 kept"
report(work, "NumPy, QR and SVD", lambda: closed_form(x, y, 10))
try:
    from cca_zoo.linear import CCA

    def zoo():
        zx, zy = CCA(n_components=10).fit([x, y]).transform([x, y])
        return correlations(zx, zy)

    report(work, "cca-zoo", zoo)
except ImportError:
    pass
try:
    import sklearn.cross_decomposition

    def iterative():
        zx, zy = sklearn.cross_decomposition.CCA(n_components=10, max_iter=500).fit_transform(x, y)
        return correlations(zx, zy)

    report(work, "scikit-learn (iterates)", iterative, approximate=True)
except ImportError:
    pass


def difficult(work, file, k):
    """What each program finds where views lack rank or scale; a wrong number is shown, not fatal."""
    x, y = (numpy.load(folder / f"{file}-{side}.npy") for side in "xy")

    def found(fit):
        try:
            return correlations(*fit())
        except Exception:
            return numpy.nan

    try:
        from cca_zoo.linear import CCA, MCCA
        for name, kind in (("cca-zoo, CCA", CCA), ("cca-zoo, MCCA", MCCA)):
            report(work, name, lambda: found(lambda: kind(k).fit([x, y]).transform([x, y])), approximate=True)
    except ImportError:
        pass
    try:
        import sklearn.cross_decomposition as peer
        report(work, "scikit-learn (iterates)", lambda: found(lambda: peer.CCA(k).fit_transform(x, y)), approximate=True)
    except ImportError:
        pass


difficult("CCA, columns from 1e-8 to 1e8, sum of 6", "scaled", 6)
difficult("CCA, Wikipedia (rank-deficient), sum", "deficient", 10)

kernel_views = [numpy.load(folder / f"kernel-{side}.npy") for side in "xy"]
half = len(kernel_views[0]) // 2
try:
    from cca_zoo.nonparametric import KCCA

    def kernels():
        model = KCCA(n_components=5, kernel="rbf", gamma=0.005, shrinkage=0.01)
        model.fit([view[:half] for view in kernel_views])
        return correlations(*model.transform([view[half:] for view in kernel_views]))

    report("KCCA, rbf, 2000 rows of 10 and 10, 5 kept", "cca-zoo", kernels)
except ImportError:
    pass

scores = numpy.load(folder / "scores.npy")
report("ranks, 1000 pictures, 5000 captions, both ways", "NumPy, by sorting", lambda: ranks(scores, 5))


def stream(path, rows=8192):
    """The same file through a memory map."""
    array = numpy.load(path, mmap_mode="r")
    return sum(float(array[start:start + rows].max()) for start in range(0, len(array), rows))


report("2 GB from disk, 8192 rows at a time", "NumPy memmap", lambda: stream(folder / "stream.npy"))
