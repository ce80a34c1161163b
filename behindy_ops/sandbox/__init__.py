"""A throwaway host in a container, for trying, testing and measuring: see DESIGN.md, "The sandbox is a real host"."""
