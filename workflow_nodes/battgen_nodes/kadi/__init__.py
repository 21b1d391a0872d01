"""Commands around Kadi4Mat itself: a server on this machine to try things out with."""
