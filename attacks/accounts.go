package attacks

func onAccounts() []Attack { return nil }
