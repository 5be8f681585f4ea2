"""What travels over the wire: strict models in, documented models out."""
