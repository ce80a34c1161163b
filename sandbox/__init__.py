"""The throwaway host, and what is tried, shown and measured on it. Not part of the package."""
