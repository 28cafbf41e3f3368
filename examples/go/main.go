// Command digits tunes a softmax regression on handwritten digits. Any number of these, and of its siblings in other
// languages, may work on one study at once.
//
//	digits [STUDY] [--trials N]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	asktell "github.com/asktell/asktell/clients/go"
)

type settings struct {
	study, file, data string
	trials            int
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, parse(os.Args[1:])); err != nil {
		fmt.Fprintln(os.Stderr, "digits:", err)
		stop()
		os.Exit(1)
	}
}

func parse(arguments []string) settings {
	var s settings
	flags := flag.NewFlagSet("digits [STUDY]", flag.ExitOnError)
	flags.IntVar(&s.trials, "trials", 30, "how many trials this worker does at most")
	flags.StringVar(&s.file, "study-file", "examples/digits.yaml", "the study's specification")
	flags.StringVar(&s.data, "data", "examples/data/digits.csv", "the digits")
	if len(arguments) > 0 && !strings.HasPrefix(arguments[0], "-") {
		s.study, arguments = arguments[0], arguments[1:] // Go's flags end at the first word that is none
	}
	_ = flags.Parse(arguments) // it exits by itself
	if s.study == "" {
		s.study = flags.Arg(0)
	}
	return s
}

func run(ctx context.Context, s settings) (err error) {
	digits, err := readDigits(s.data)
	if err != nil {
		return err
	}
	host, _ := os.Hostname()
	client, err := asktell.NewClient(asktell.WithWorkerID(fmt.Sprintf("go:%s:%d", host, os.Getpid())))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	options := []asktell.CreateOption{asktell.ExistOK()}
	if s.study != "" {
		options = append(options, asktell.AsStudy(s.study))
	}
	study, err := client.CreateStudyFromFile(ctx, s.file, options...)
	if err != nil {
		return err
	}
	for range s.trials {
		err := oneTrial(ctx, study, digits)
		if errors.Is(err, asktell.ErrStudyComplete) {
			fmt.Println(err)
			break
		}
		if err != nil {
			return err
		}
	}
	return printBest(ctx, study)
}

// oneTrial asks, trains and tells. An interrupted one is given back by Close.
func oneTrial(ctx context.Context, study *asktell.Study, digits *dataset) error {
	trial, err := study.Ask(ctx)
	if err != nil {
		return err
	}
	defer trial.Close()

	params, began := trial.Params(), time.Now()
	model := newModel(hyperparameters{
		learningRate: params.Float("lr"),
		l2:           params.Float("l2"),
		batchSize:    params.Int("batch_size"),
		momentum:     params.Float("momentum"),
	})
	var result asktell.Metrics
	for epoch := range params.Int("epochs") {
		model.train(digits.train)
		loss, accuracy := model.evaluate(digits.validation)
		if math.IsNaN(loss) || math.IsInf(loss, 0) {
			return trial.Fail(ctx, fmt.Sprintf("diverged in epoch %d", epoch), nil)
		}
		result = asktell.Metrics{"val_loss": loss, "val_accuracy": accuracy}
		progress, err := trial.Report(ctx, epoch, result)
		if err != nil {
			return err
		}
		if !progress.LeaseValid {
			return nil // called off, or with another worker: there is nothing to tell
		}
		if progress.ShouldStop {
			return trial.Stop(ctx, result, "")
		}
	}
	if err := trial.Tell(ctx, result); err != nil {
		return err
	}
	fmt.Printf("go  trial %3d  val_loss %.4f  val_accuracy %.4f  %.2f s  lr %.2e  l2 %.2e  batch %d  momentum %.2f\n",
		trial.Number(), result["val_loss"], result["val_accuracy"], time.Since(began).Seconds(),
		params.Float("lr"), params.Float("l2"), params.Int("batch_size"), params.Float("momentum"))
	return nil
}

func printBest(ctx context.Context, study *asktell.Study) error {
	best, err := study.BestTrial(ctx)
	if errors.Is(err, asktell.ErrNoResults) {
		fmt.Println(err)
		return nil
	}
	if err != nil {
		return err
	}
	fmt.Printf("best: trial %d  val_loss %.4f\n", best.Number(), best.Metrics()["val_loss"])
	return nil
}
