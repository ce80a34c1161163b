"""The reports of `inv demo` and `inv bench` as one HTML file each."""
