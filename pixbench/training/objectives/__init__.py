"""What a network is trained to do: the protocol of objectives and the method's own."""
