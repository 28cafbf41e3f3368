package asktell

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	pb "github.com/asktell/asktell/clients/go/asktell/v1"
)

// existing is the end of CreateStudy with ExistOK: the stored study, if it is what was wanted.
func (c *Client) existing(wanted, stored *pb.Study, exists error) (*Study, error) {
	// Compared as decoded values, not as messages: a default that the server wrote out is no difference.
	mine, theirs := decodeSpec(wanted), decodeSpec(stored)
	if fixed := fixedDifferences(mine, theirs, wanted); len(fixed) > 0 {
		failure, _ := errors.AsType[*Error](exists)
		failure.Message = fmt.Sprintf("%s exists with another %s: choose another name, or delete it first",
			stored.GetName(), strings.Join(fixed, ", "))
		return nil, failure
	}
	if changeable := changeableDifferences(mine, theirs); len(changeable) > 0 {
		c.session.settings.logger.Warn("asktell: the study exists with other rules, which stay as they are: Update changes them",
			"study", stored.GetName(), "rules", changeable)
	}
	return newStudy(c.session, stored), nil
}

// fixedDifferences names what differs and can never be changed. What was left out of the wanted study is no difference.
func fixedDifferences(mine, theirs StudySpec, wanted *pb.Study) []string {
	var found []string
	note := func(name string, differs bool) {
		if differs {
			found = append(found, name)
		}
	}
	parameters := differingParameters(mine.Space, theirs.Space)
	note("space ("+strings.Join(parameters, ", ")+")", len(parameters) > 0)
	note("objectives", !slices.Equal(mine.Objectives, theirs.Objectives))
	note("metrics", !maps.Equal(splits(mine.Metrics), splits(theirs.Metrics)))
	note("algorithm", !reflect.DeepEqual(mine.Algorithm, theirs.Algorithm))
	note("lease", wanted.GetLeasePolicy().GetLeaseDuration() != nil && mine.Lease != theirs.Lease)
	note("max_attempts", wanted.GetLeasePolicy().GetMaxAttempts() != 0 && mine.MaxAttempts != theirs.MaxAttempts)
	note("replicates", wanted.GetReplicates() != 0 && mine.Replicates != theirs.Replicates)
	note("seed", wanted.Seed != nil && !reflect.DeepEqual(mine.Seed, theirs.Seed))
	return found
}

func changeableDifferences(mine, theirs StudySpec) []string {
	var found []string
	for name, differs := range map[string]bool{
		"max_trials":    !reflect.DeepEqual(mine.MaxTrials, theirs.MaxTrials),
		"target":        !reflect.DeepEqual(mine.Target, theirs.Target),
		"patience":      !reflect.DeepEqual(mine.Patience, theirs.Patience),
		"deadline":      !mine.Deadline.Equal(theirs.Deadline),
		"max_running":   mine.MaxRunning != theirs.MaxRunning,
		"max_staleness": mine.MaxStaleness != nil && !reflect.DeepEqual(mine.MaxStaleness, theirs.MaxStaleness),
	} {
		if differs {
			found = append(found, name)
		}
	}
	slices.Sort(found)
	return found
}

// differingParameters are names of parameters that are not the same; their order is for tables only.
func differingParameters(mine, theirs Space) []string {
	byName := func(space Space) map[string]Parameter {
		named := make(map[string]Parameter, len(space))
		for _, parameter := range space {
			named[parameter.encode().GetName()] = parameter
		}
		return named
	}
	left, right := byName(mine), byName(theirs)
	var found []string
	for name, parameter := range left {
		if !reflect.DeepEqual(parameter, right[name]) {
			found = append(found, name)
		}
	}
	for name := range right {
		if _, ok := left[name]; !ok {
			found = append(found, name)
		}
	}
	slices.Sort(found)
	return found
}

func splits(metrics []TrackedMetric) map[string]Split {
	byName := make(map[string]Split, len(metrics))
	for _, metric := range metrics {
		byName[metric.Metric] = metric.Split
	}
	return byName
}
