package main

import (
	"encoding/csv"
	"fmt"
	"os"
	"strconv"
)

const (
	pixels    = 64
	classes   = 10
	brightest = 16
)

type row struct {
	pixels [pixels]float64 // 0 to 1
	label  int
}

// dataset is split by row, as examples/data/README.md says. The last 20 % are a test set that tuning never looks at.
type dataset struct {
	train, validation []row
}

func readDigits(path string) (*dataset, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	reader := csv.NewReader(file)
	reader.FieldsPerRecord = pixels + 1
	records, err := reader.ReadAll()
	if err != nil {
		return nil, err
	}
	rows := make([]row, 0, len(records))
	for line, record := range records[1:] {
		parsed, err := parseRow(record)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, line+2, err)
		}
		rows = append(rows, parsed)
	}
	trained, validated := len(rows)*60/100, len(rows)*80/100
	return &dataset{train: rows[:trained], validation: rows[trained:validated]}, nil
}

func parseRow(record []string) (row, error) {
	var parsed row
	for i, text := range record {
		value, err := strconv.Atoi(text)
		if err != nil {
			return row{}, err
		}
		if i < pixels {
			parsed.pixels[i] = float64(value) / brightest
		} else {
			parsed.label = value
		}
	}
	if parsed.label < 0 || parsed.label >= classes {
		return row{}, fmt.Errorf("%d is no digit", parsed.label)
	}
	return parsed, nil
}
