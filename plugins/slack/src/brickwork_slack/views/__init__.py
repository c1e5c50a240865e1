"""What an app shows: home tabs and modals."""
