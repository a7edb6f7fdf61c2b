package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

const height, width = 8, 256

// paths of tlog-tiles leave out the height, which is always 8 there.
var paths = strings.NewReplacer("tile/8/data/", "tile/entries/", "tile/8/", "tile/")

// files are those of a log in a folder or below an address. Each is read once.
type files struct {
	base string
	read map[string][]byte
}

func (f files) Height() int                     { return height }
func (f files) SaveTiles([]tlog.Tile, [][]byte) {}

func (f files) ReadTiles(wanted []tlog.Tile) (found [][]byte, err error) {
	for _, tile := range wanted {
		found = append(found, f.get(paths.Replace(tile.Path())))
	}
	return found, nil
}

func (f files) entry(n, size int64) []byte {
	data := f.get(paths.Replace(bundle(n/width, size).Path()))
	for before := n % width; before > 0; before-- {
		data = data[2+int(binary.BigEndian.Uint16(data)):]
	}
	return data[2 : 2+int(binary.BigEndian.Uint16(data))]
}

func (f files) get(path string) []byte {
	data, ok := f.read[path]
	if ok {
		return data
	}
	var err error
	if strings.HasPrefix(f.base, "http://") {
		reply, failed := http.Get(f.base + "/" + path)
		must(failed)
		defer reply.Body.Close()
		if reply.StatusCode != http.StatusOK {
			panic(fmt.Sprintf("%s: %s", path, reply.Status))
		}
		data, err = io.ReadAll(reply.Body)
	} else {
		data, err = os.ReadFile(filepath.Join(f.base, path))
	}
	must(err)
	f.read[path] = data
	return data
}

// stored are hashes in the order of tlog.StoredHashIndex.
type stored []tlog.Hash

func (s stored) ReadHashes(places []int64) (found []tlog.Hash, err error) {
	for _, place := range places {
		found = append(found, s[place])
	}
	return found, nil
}

func publish(asked question, kept stored, checkpoint string) {
	size := int64(len(asked.Entries))
	for _, tile := range tlog.NewTiles(height, 0, size) {
		data, err := tlog.ReadTileData(tile, kept)
		must(err)
		save(asked.Base, paths.Replace(tile.Path()), data)
	}
	for first := int64(0); first < size; first += width {
		tile, data := bundle(first/width, size), []byte{}
		for _, body := range asked.Entries[first : first+int64(tile.W)] {
			data = append(binary.BigEndian.AppendUint16(data, uint16(len(body))), body...)
		}
		save(asked.Base, paths.Replace(tile.Path()), data)
	}
	save(asked.Base, "checkpoint", []byte(checkpoint))
}

// bundle is the tile of entries with this index in a tree of this size.
func bundle(index, size int64) tlog.Tile {
	left := size - index*width
	if left > width {
		left = width
	}
	return tlog.Tile{H: height, L: -1, N: index, W: int(left)}
}

func save(base, path string, data []byte) {
	to := filepath.Join(base, filepath.FromSlash(path))
	must(os.MkdirAll(filepath.Dir(to), 0o755))
	must(os.WriteFile(to, data, 0o644))
}
