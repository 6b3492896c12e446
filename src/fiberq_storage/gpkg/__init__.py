"""GeoPackage files: written for devices, read from strangers."""
