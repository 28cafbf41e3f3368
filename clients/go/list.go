package asktell

import (
	"iter"
)

const pageSize = 500

// pages walks through a list page by page; the next page is fetched when the loop gets there.
func pages[Wire, Item any](
	fetch func(token string) ([]Wire, string, error), handle func(Wire) Item,
) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		token := ""
		for {
			page, next, err := fetch(token)
			if err != nil {
				var none Item
				yield(none, err)
				return
			}
			for _, wire := range page {
				if !yield(handle(wire), nil) {
					return
				}
			}
			if next == "" {
				return
			}
			token = next
		}
	}
}
