"""Groups of settings, each of which is a part of `domain.settings.Settings`."""
