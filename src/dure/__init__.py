"""Dure (두레): the open platform that brings small shops the right customers and keeps them coming back."""
