"""Models in processes of their own: whatever a driver does to its process, the window lives on."""
