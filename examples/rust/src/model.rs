//! A softmax regression, trained by stochastic gradient descent with momentum.

use crate::data::{CLASSES, PIXELS, Row};

#[derive(Clone, Debug)]
pub struct Hyperparameters {
    pub learning_rate: f64,
    pub l2: f64,
    pub momentum: f64,
    pub batch_size: usize,
}

/// The mean cross-entropy, and the share of rows that are classified right.
#[derive(Clone, Copy, Debug, Default)]
pub struct Score {
    pub loss: f64,
    pub accuracy: f64,
}

impl Score {
    pub fn metrics(&self) -> [(&'static str, f64); 2] {
        [("val_loss", self.loss), ("val_accuracy", self.accuracy)]
    }
}

/// The last weight of a class is its bias.
type Weights = [[f64; PIXELS + 1]; CLASSES];

pub struct Model {
    hyperparameters: Hyperparameters,
    weights: Weights,
    velocity: Weights,
    random: Random,
}

impl Model {
    /// Begins at zero, where the loss is ln(10); it is convex, so any beginning will do. The order of rows has a fixed
    /// seed: what differs between two trials is their configuration.
    pub fn new(hyperparameters: Hyperparameters) -> Self {
        let zero = [[0.0; PIXELS + 1]; CLASSES];
        Self { hyperparameters, weights: zero, velocity: zero, random: Random(1) }
    }

    /// Goes once through the rows, in a new order.
    pub fn train(&mut self, rows: &[Row]) {
        let order = self.random.order(rows.len());
        for batch in order.chunks(self.hyperparameters.batch_size) {
            self.step(rows, batch);
        }
    }

    #[allow(clippy::cast_precision_loss)]
    fn step(&mut self, rows: &[Row], batch: &[usize]) {
        let mut gradient: Weights = [[0.0; PIXELS + 1]; CLASSES];
        for row in batch.iter().map(|index| &rows[*index]) {
            let (mut difference, _) = self.predict(row);
            difference[row.label] -= 1.0;
            for (class, difference) in gradient.iter_mut().zip(difference) {
                for (slope, pixel) in class.iter_mut().zip(row.pixels) {
                    *slope += difference * pixel;
                }
                class[PIXELS] += difference;
            }
        }
        let Hyperparameters { learning_rate, l2, momentum, .. } = self.hyperparameters;
        let share = 1.0 / batch.len() as f64;
        for (class, slopes) in gradient.iter().enumerate() {
            for (i, slope) in slopes.iter().enumerate() {
                let weight = &mut self.weights[class][i];
                let decay = if i < PIXELS { l2 * *weight } else { 0.0 }; // the bias is not decayed
                let velocity = &mut self.velocity[class][i];
                *velocity = momentum * *velocity - learning_rate * (slope * share + decay);
                *weight += *velocity;
            }
        }
    }

    /// The probability of each class, and the log-probability of the right one.
    fn predict(&self, row: &Row) -> ([f64; CLASSES], f64) {
        let mut scores = [0.0; CLASSES];
        for (score, weights) in scores.iter_mut().zip(&self.weights) {
            *score =
                weights[PIXELS] + row.pixels.iter().zip(weights).map(|(pixel, weight)| pixel * weight).sum::<f64>();
        }
        let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let likelihoods = scores.map(|score| (score - highest).exp()); // at most 1, however large the scores
        let sum: f64 = likelihoods.iter().sum();
        (likelihoods.map(|likelihood| likelihood / sum), scores[row.label] - highest - sum.ln())
    }

    #[allow(clippy::cast_precision_loss)]
    pub fn evaluate(&self, rows: &[Row]) -> Score {
        let (mut loss, mut right) = (0.0, 0);
        for row in rows {
            let (probabilities, log_likelihood) = self.predict(row);
            loss -= log_likelihood;
            let best = (0..CLASSES).max_by(|a, b| probabilities[*a].total_cmp(&probabilities[*b]));
            right += usize::from(best == Some(row.label));
        }
        Score { loss: loss / rows.len() as f64, accuracy: right as f64 / rows.len() as f64 }
    }
}

/// SplitMix64: enough to put rows in an order.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    #[allow(clippy::cast_possible_truncation)]
    fn order(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        for last in (1..count).rev() {
            order.swap(last, (self.next() % (last as u64 + 1)) as usize);
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::{Hyperparameters, Model};
    use crate::data::Dataset;

    fn digits() -> Dataset {
        Dataset::read("../data/digits.csv").unwrap()
    }

    fn model(learning_rate: f64, l2: f64, batch_size: usize, momentum: f64) -> Model {
        Model::new(Hyperparameters { learning_rate, l2, momentum, batch_size })
    }

    #[test]
    fn rows_are_split_as_in_every_language() {
        assert_eq!((digits().training().len(), digits().validation().len()), (1078, 359));
    }

    #[test]
    fn training_learns() {
        let digits = digits();
        let mut model = model(0.05, 1e-4, 32, 0.9);
        let before = model.evaluate(digits.validation());
        assert!((before.loss - 10_f64.ln()).abs() < 1e-9, "a model that knows nothing: {before:?}");
        for _ in 0..5 {
            model.train(digits.training());
        }
        let after = model.evaluate(digits.validation());
        assert!(after.loss < 0.5 && after.accuracy > 0.85, "{after:?}");
    }

    #[test]
    fn wild_settings_stay_finite() {
        let digits = digits();
        let mut model = model(1.0, 0.1, 16, 0.95);
        model.train(digits.training());
        assert!(model.evaluate(digits.validation()).loss.is_finite());
    }
}
