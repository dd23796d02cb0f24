"""`python -m benchmarks.checkpoints` runs `benchmarks/checkpoints/measurement.py`."""

from benchmarks.checkpoints.measurement import main

if __name__ == "__main__":
    main()
