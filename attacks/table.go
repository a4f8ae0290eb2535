package attacks

import "slices"

// All lists the attacks in their order.
func All() []Attack {
	all := slices.Concat(onRights(), onLinks(), onAccounts(), onPages(), onServers(), onUploads(), onLive(), onMachine())
	slices.SortFunc(all, func(a, b Attack) int { return a.N - b.N })
	return all
}
