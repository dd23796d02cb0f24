"""The sentences of errors and of gaps in Chinese, by their English templates."""
