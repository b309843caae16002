"""Synthetic faces: who they are (parameters), where they are (geometry), and how they are drawn."""
