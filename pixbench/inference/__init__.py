"""What a trained model is used for on pictures of one's own: descriptors of a picture, matches between two."""
