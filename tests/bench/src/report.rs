use std::io::{self, Write as _};

/// What a figure is compared with, measured in the same run.
#[derive(Debug, Clone, PartialEq)]
struct Baseline {
    what: &'static str,
    ratio: f64,
}

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Better {
    Lower,
    Higher,
}

/// One number. Ratios are above 1 where ours is the better one, whether it is a cost or a rate.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Figure {
    name: String,
    value: f64,
    unit: &'static str,
    better: Better,
    baseline: Option<Baseline>,
    valid: bool,
}

impl Figure {
    /// Something of which less is better.
    pub(crate) fn cost(name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { name: name.into(), value, unit, better: Better::Lower, baseline: None, valid: true }
    }

    /// Something of which more is better.
    pub(crate) fn rate(name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { better: Better::Higher, ..Self::cost(name, value, unit) }
    }

    /// Compares with what `what` reached, if it was measured.
    pub(crate) fn beside(mut self, what: &'static str, theirs: Option<f64>) -> Self {
        self.baseline = theirs.map(|theirs| {
            let ratio = match self.better {
                Better::Lower => theirs / self.value,
                Better::Higher => self.value / theirs,
            };
            Baseline { what, ratio }
        });
        self
    }

    /// Says that the number means nothing unless `condition` holds.
    pub(crate) fn valid_if(mut self, condition: bool) -> Self {
        self.valid &= condition;
        self
    }

    /// What stands in the line and in the table: name, value, unit, baseline, ratio.
    fn cells(&self) -> [String; 5] {
        let value = if self.valid { number(self.value) } else { "invalid".to_owned() };
        let none = || "-".to_owned();
        let what = self.baseline.as_ref().map_or_else(none, |b| b.what.to_owned());
        let ratio = self.baseline.as_ref().filter(|b| self.valid && b.ratio.is_finite()).map_or_else(none, |b| format!("{:.2}", b.ratio));
        [self.name.clone(), value, self.unit.to_owned(), what, ratio]
    }

    fn line(&self) -> String {
        let [name, value, unit, baseline, ratio] = self.cells();
        format!("BENCH name={name} value={value} unit={unit} baseline={baseline} ratio={ratio}")
    }
}

/// Three digits that count, or all that stand before the point.
fn number(value: f64) -> String {
    let digits = match value.abs() {
        large if large >= 100.0 => 0,
        middle if middle >= 10.0 => 1,
        small if small >= 1.0 => 2,
        _ => 3,
    };
    format!("{value:.digits$}")
}

/// All figures of a run, and what there is to say about those that are missing.
#[derive(Debug, Default)]
pub(crate) struct Report {
    figures: Vec<Figure>,
    notes: Vec<String>,
}

impl Report {
    /// Prints a figure, and keeps it for the table.
    pub(crate) fn add(&mut self, figure: Figure) -> io::Result<()> {
        writeln!(io::stdout(), "{}", figure.line())?;
        self.figures.push(figure);
        Ok(())
    }

    /// Something to be known when reading the table.
    pub(crate) fn note(&mut self, text: impl Into<String>) {
        let text = text.into();
        if !self.notes.contains(&text) {
            self.notes.push(text);
        }
    }

    /// Whether every figure means something.
    pub(crate) fn is_valid(&self) -> bool {
        self.figures.iter().all(|figure| figure.valid)
    }

    /// Prints all figures once more, aligned.
    pub(crate) fn table(&self) -> io::Result<()> {
        let mut out = io::stdout().lock();
        writeln!(out, "\nratio: above 1 is better for Conclave (costs: baseline / ours; rates: ours / baseline)\n")?;
        out.write_all(table(&self.figures).as_bytes())?;
        for note in &self.notes {
            writeln!(out, "\n{note}")?;
        }
        Ok(())
    }
}

/// Words to the left, numbers to the right.
fn table(figures: &[Figure]) -> String {
    let head = ["figure", "value", "unit", "baseline", "ratio"].map(str::to_owned);
    let rows: Vec<_> = std::iter::once(head).chain(figures.iter().map(Figure::cells)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let [name, value, unit, baseline, ratio] = std::array::from_fn(width);
    rows.iter().map(|[n, v, u, b, r]| format!("{n:name$}  {v:>value$}  {u:unit$}  {b:baseline$}  {r:>ratio$}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn above_one_is_better_for_costs_and_for_rates() {
        let cost = Figure::cost("join.p50", 800.0, "ms").beside("plain", Some(400.0));
        assert_eq!(cost.line(), "BENCH name=join.p50 value=800 unit=ms baseline=plain ratio=0.50");
        let rate = Figure::rate("forward.rate", 120_000.0, "packets/cpu-s").beside("other", Some(40_000.0));
        assert_eq!(rate.line(), "BENCH name=forward.rate value=120000 unit=packets/cpu-s baseline=other ratio=3.00");
    }

    #[test]
    fn without_a_baseline_there_is_no_ratio() {
        let alone = Figure::cost("page.wasm_br", 612.34, "kB").beside("other", None);
        assert_eq!(alone.line(), "BENCH name=page.wasm_br value=612 unit=kB baseline=- ratio=-");
        let endless = Figure::cost("forward.loss", 0.0, "%").beside("other", Some(0.0));
        assert_eq!(endless.line(), "BENCH name=forward.loss value=0.000 unit=% baseline=other ratio=-");
    }

    #[test]
    fn what_means_nothing_has_no_number() {
        let mut report = Report::default();
        let figure = Figure::rate("forward.rate", 9.0, "packets/cpu-s").beside("other", Some(3.0)).valid_if(false).valid_if(true);
        assert_eq!(figure.line(), "BENCH name=forward.rate value=invalid unit=packets/cpu-s baseline=other ratio=-");
        assert!(report.is_valid());
        report.figures.push(figure);
        assert!(!report.is_valid());
    }

    #[test]
    fn numbers_show_what_counts() {
        assert_eq!([0.0123, 1.234, 12.34, 123.4, 123_456.7].map(number), ["0.012", "1.23", "12.3", "123", "123457"]);
    }

    #[test]
    fn columns_are_aligned() {
        let figures =
            [Figure::cost("a.long_name", 5.0, "ms"), Figure::rate("b", 12_345.0, "packets/s").beside("livekit-server", Some(1.0))];
        assert_eq!(
            table(&figures),
            "figure       value  unit       baseline           ratio\n\
             a.long_name   5.00  ms         -                      -\n\
             b            12345  packets/s  livekit-server  12345.00\n"
        );
    }
}
