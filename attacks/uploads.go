package attacks

func onUploads() []Attack { return nil }
