"""Rows of fixed size behind checked handles, in host memory and where there is one on a device."""
