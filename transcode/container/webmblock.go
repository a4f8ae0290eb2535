package container

// lacing reads the sizes of the frames of a laced block of size bytes that begins at b (RFC 9559, 10.3).
func (bl *block) lacing(b []byte, size int64) bool {
	at := int(bl.head)
	if len(b) <= at {
		return false
	}
	frames := int(b[at]) + 1
	at++
	sum := int64(0)
	for i := range frames - 1 {
		var frame int64
		var n int
		switch bl.flags & 0x06 {
		case 0x02:
			frame, n = xiphSize(b[at:])
		case 0x06:
			frame, n = ebmlLaceSize(b[at:], i == 0)
			if i > 0 {
				frame += bl.sizes[i-1]
			}
		default: // fixed
			frame, n = (size-int64(at))/int64(frames), 0
		}
		if n < 0 || frame < 0 || frame > size {
			return false
		}
		at += n
		sum += frame
		bl.sizes = append(bl.sizes, frame)
	}
	bl.head = int64(at)
	last := size - bl.head - sum
	bl.sizes = append(bl.sizes, last)
	return last >= 0
}

// xiphSize reads a sum of bytes that ends with one below 255; n < 0 means damage.
func xiphSize(b []byte) (size int64, n int) {
	for i, c := range b {
		size += int64(c)
		if c < 255 {
			return size, i + 1
		}
	}
	return 0, -1
}

// ebmlLaceSize reads a size, or after the first the signed difference to the one before.
func ebmlLaceSize(b []byte, first bool) (size int64, n int) {
	if len(b) == 0 {
		return 0, -1
	}
	n = leadingLength(b[0])
	if n > 8 || len(b) < n {
		return 0, -1
	}
	v, _ := vint(b[:n])
	if first {
		return int64(v), n
	}
	return int64(v) - (1<<(7*n-1) - 1), n
}

// block takes a block whose data lies at offset at.
func (x *Indexer) block(bl block, at int64) {
	track := -1
	for i := range x.header.Tracks {
		if x.header.Tracks[i].ID == bl.track {
			track = i
		}
	}
	if track < 0 {
		return
	}
	if x.group.count+len(bl.sizes) > maxSamples {
		x.giveUpf("a cluster of it claims too many samples")
		return
	}
	t, st := &x.header.Tracks[track], &x.state.WebM
	time := st.ticks(x.header, max(st.Time+int64(bl.time), 0))
	key := bl.key || t.Kind == KindAudio
	if track == x.header.Main() {
		x.mainBlock(time, key)
		if !x.ready && key {
			x.sniffFrame(track, bl.frame)
			x.ready = true
		}
	}
	off := at + bl.head
	for i, size := range bl.sizes {
		s := sample{off: off, size: size, dts: time + int64(i)*int64(t.DefaultDuration), key: key}
		if bl.dur > 0 {
			s.dur = st.ticks(x.header, bl.dur) / int64(len(bl.sizes))
			s.dts = time + int64(i)*s.dur
		}
		x.group.add(track, s)
		off += size
	}
}

// mainBlock decides at the first block of the main track in a cluster whether the cluster starts a new fragment.
func (x *Indexer) mainBlock(time int64, key bool) {
	st, g := &x.state.WebM, &x.group
	if st.Decided {
		return
	}
	st.Decided = true
	main := x.header.Main()
	if !key || len(g.tracks[main]) == 0 {
		return
	}
	first := g.tracks[main][0]
	if ticks(time-first.dts-first.cts, x.header.Tracks[main].Timescale) < x.header.minFragment() {
		return
	}
	next := g.split(st.Cluster)
	g.end = st.PrevEnd
	for i := range g.tracks { // a last sample lasts to the next one of its track
		if n, m := len(g.tracks[i]), next.tracks[i]; n > 0 && len(m) > 0 {
			g.tracks[i][n-1].dur = max(m[0].dts-g.tracks[i][n-1].dts, 0)
		}
	}
	if n := len(g.tracks[main]); n > 0 {
		g.tracks[main][n-1].dur = max(time-g.tracks[main][n-1].dts, 0)
	}
	end := next.end
	x.fillDurations()
	x.emit(time)
	x.group = next
	x.group.end = end
}

// fillDurations guesses the duration of each last sample that does not have one.
func (x *Indexer) fillDurations() {
	for i, list := range x.group.tracks {
		n := len(list)
		if n == 0 || list[n-1].dur > 0 {
			continue
		}
		last := &list[n-1]
		last.dur = int64(x.header.Tracks[i].DefaultDuration)
		if last.dur == 0 && n > 1 {
			last.dur = list[n-2].dur
		}
	}
}

// finishWebM closes the last fragment; a block that was cut off is left out.
func (x *Indexer) finishWebM(size int64) {
	st := &x.state.WebM
	if x.header == nil || !st.Body {
		x.giveUpf("it ends before its first cluster")
		return
	}
	if x.group.end > size {
		x.group.trim(size)
		x.group.end = x.group.lastByte()
	}
	if x.group.count > 0 {
		x.fillDurations()
		x.group.tail = true
		x.emit(noTick)
	}
	if x.emitted == 0 {
		x.giveUpf("it ends before its first picture is whole")
	}
}
