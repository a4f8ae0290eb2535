// Package ladder makes what adaptive players choose from: rungs of different
// size, encoded span by span while the recording still runs, and one continuous
// audio rendition.
//
// Planning and encoding work on files in a scratch folder and know nothing of
// the catalog; Jobs ties them to it.
package ladder

import (
	"cmp"
	"math"
	"strconv"
)

const (
	// maxTopPixels is the largest picture that keeps its size: it covers 1440p,
	// ultra-wide screens and the usual laptop screens. Larger ones are scaled to
	// fitPixels; the untouched source can still be watched.
	maxTopPixels = 6_000_000
	fitPixels    = 2560 * 1440
	// minSide keeps encoders and players happy with tiny sources.
	minSide = 16
	// maxFrameRate is what the ladder keeps of a source with more.
	maxFrameRate = 60
)

// Rung is one size of the picture.
type Rung struct {
	// Name is the short side, such as "1080p".
	Name          string
	Width, Height int
	// FrameRate is the most frames a second, 30 or 60; it fixes the level that
	// the encoder announces, so it must be the same for all spans of a video.
	FrameRate int
	// CRF is x264's constant quality; MaxRate bounds bits per second.
	CRF     int
	MaxRate int
}

// Plan chooses the rungs for a source, largest first. The top one has the
// source's own size, so that text on a screen stays sharp; nothing is scaled up.
// A frame rate of 0 means unknown.
func Plan(width, height int, frameRate float64) []Rung {
	top := fit(max(width, minSide), max(height, minSide))
	rungs := []Rung{top}
	short, last := min(top.Width, top.Height), min(top.Width, top.Height)
	for _, side := range []int{1080, 720, 360} {
		if side*3 > last*2 {
			continue
		}
		scale := float64(side) / float64(short)
		rungs = append(rungs, Rung{Width: even(float64(top.Width) * scale), Height: even(float64(top.Height) * scale)})
		last = side
	}
	for i := range rungs {
		rungs[i] = rungs[i].complete(frameRate)
	}
	return rungs
}

func fit(width, height int) Rung {
	scale := 1.0
	if pixels := width * height; pixels > maxTopPixels {
		scale = math.Sqrt(fitPixels / float64(pixels))
	}
	return Rung{Width: even(float64(width) * scale), Height: even(float64(height) * scale)}
}

// even rounds down to an even number: 4:2:0 has half the colour samples, and
// one column less is sharper than a picture scaled by a thousandth.
func even(side float64) int { return max(int(side+1e-6)&^1, 2) }

func (r Rung) complete(frameRate float64) Rung {
	r.Name = strconv.Itoa(min(r.Width, r.Height)) + "p"
	r.FrameRate = 30
	if frameRate > 31 {
		r.FrameRate = maxFrameRate
	}
	r.CRF = 23
	// Three bits a pixel and second at 30 frames: 6 Mbit/s for 1080p. Screens
	// stay far below; it is there for noisy cameras and games.
	r.MaxRate = cmp.Or(r.FrameRate/30, 1) * max(r.Width*r.Height*3, 400_000)
	return r
}
