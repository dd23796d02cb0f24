"""`python -m benchmarks.index` runs `benchmarks/index/measurement.py`."""

from benchmarks.index.measurement import main

if __name__ == "__main__":
    main()
