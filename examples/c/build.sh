#!/bin/sh
# Against an installed entrakey; with PKG_CONFIG_PATH=…/lib/pkgconfig if it is not where the system looks.
cc examples/c/hello.c $(pkg-config --cflags --libs entrakey) -o "${1:-hello}"
