package asktell_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"math"

	asktell "github.com/asktell/asktell/clients/go"
)

func train(lr float64, rank int) float64 { return math.Pow(math.Log10(lr)+4, 2) + 1/float64(rank) }

// The loop; the README has it as a whole program.
func Example() {
	if err := tune(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func tune(ctx context.Context) error {
	client, err := asktell.NewClient() // ASKTELL_ADDRESS, or localhost:50051
	if err != nil {
		return err
	}
	defer client.Close()
	study, err := client.CreateStudy(ctx, "lora", &asktell.StudyRecord{
		SearchSpace: asktell.Space(
			asktell.Float("lr", 1e-5, 1e-3, asktell.Log),
			asktell.Discrete("rank", []int{4, 8, 16, 32}),
		),
		Objectives:    []*asktell.Objective{asktell.Minimize("val_loss")},
		StoppingRules: &asktell.StoppingRules{MaxTrials: new(int32(50))},
	}, asktell.ExistOK()) // every worker runs this same program
	for err == nil {
		err = one(ctx, study)
	}
	if !errors.Is(err, asktell.ErrStudyComplete) {
		return err
	}
	best, err := study.BestTrial(ctx)
	fmt.Println(best)
	return err
}

func one(ctx context.Context, study *asktell.Study) error {
	trial, err := study.Ask(ctx)
	if err != nil {
		return err
	}
	defer trial.Close() // its lease renews itself while it is open; Close gives it back unless it has been told
	loss := train(trial.Params().Float("lr"), trial.Params().Int("rank"))
	return trial.Tell(ctx, asktell.Metrics{"val_loss": loss})
}

func ExampleClient_CreateStudyFromFile() {
	ctx := context.Background()
	var client *asktell.Client // from NewClient
	study, err := client.CreateStudyFromFile(ctx, "study.yaml", asktell.ExistOK())
	if err != nil {
		log.Fatal(err) // study.yaml:8:44: parameters.lr: unknown key 'scael', did you mean 'scale'?
	}
	fmt.Println(study.Record().GetSearchSpace())
}

func ExampleStudy_Update() {
	ctx := context.Background()
	var study *asktell.Study // from Client.Study
	changes := &asktell.StudyRecord{StoppingRules: &asktell.StoppingRules{MaxTrials: new(int32(100))}}
	if err := study.Update(ctx, changes, "stopping_rules.max_trials"); err != nil {
		log.Fatal(err)
	}
}

func ExampleStudy_Enqueue() {
	ctx := context.Background()
	var study *asktell.Study // from Client.Study
	own := &asktell.QueuedTrial{Parameters: asktell.Params{"lr": asktell.ValueOf(1e-4), "rank": asktell.ValueOf(8)}}
	if _, err := study.Enqueue(ctx, own); err != nil {
		log.Fatal(err)
	}
}

func ExampleStudy_Trials() {
	var study *asktell.Study // from Client.Study
	for trial, err := range study.Trials(context.Background(), nil) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(trial.Number(), trial.Params(), trial.Metrics())
	}
}

func ExampleTrial_Report() {
	ctx := context.Background()
	var trial *asktell.Trial // from Study.Ask
	for epoch := range 10 {
		metrics := asktell.Metrics{"val_loss": 1 / float64(epoch+1)}
		progress, err := trial.Report(ctx, epoch, metrics)
		if err != nil || !progress.LeaseValid {
			return // called off, or with another worker: there is nothing to tell
		}
		if progress.ShouldStop {
			_ = trial.Stop(ctx, metrics, "")
			return
		}
	}
}

func ExampleStudy_Watch() {
	var study *asktell.Study // from Client.Study
	for change, err := range study.Watch(context.Background(), study.Record().GetCursor()) {
		if err != nil {
			log.Fatal(err)
		}
		if trial := change.GetTrial(); trial != nil {
			fmt.Println(trial.GetNumber(), trial.GetState())
		}
	}
}
