"""Only what setup.cfg cannot say: the optional compiled part, a module a file of csrc/, its loops in a folder."""

from pathlib import Path

from setuptools import Extension, setup

SAME = ["-O3", "-ffp-contract=off"]  # without fused multiply-adds numpy and C round alike
FREE = ["-O3", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math"]
FLAGS = {"fisher": FREE, "codes": FREE, "blood": FREE}  # whose results may differ from numpy's in the last digits

setup(
    ext_modules=[
        Extension(
            f"eigenface._{source.stem}",
            [source.as_posix()],
            include_dirs=["csrc"],
            optional=True,
            extra_compile_args=FLAGS.get(source.stem, SAME),
            depends=sorted(header.as_posix() for header in Path("csrc").rglob("*.h")),
        )
        for source in sorted(Path("csrc").glob("*.c"))
    ]
)
