//! Which of all pairs of several samples differ, with one error level for all claims together.

/// Adjusts the p-values of all pairs of `samples` samples: if each claim with an adjusted value
/// below 0.05 is made, the chance that any of them is false stays below 0.05.
///
/// Holm's step-down, with the number of hypotheses that can still be true as its factor. If two
/// of five samples differ, the ten hypotheses of equality cannot all but one be true: at most six
/// can (J. P. Shaffer, Modified Sequentially Rejective Multiple Test Procedures, Journal of the
/// American Statistical Association 81, 1986, procedure S1).
#[must_use]
pub fn adjust(p_values: &[f64], samples: usize) -> Vec<f64> {
    let can_be_true = can_be_true(samples);
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut adjusted = vec![1.0; p_values.len()];
    let mut highest = 0.0f64;
    for (done, index) in order.into_iter().enumerate() {
        let left = p_values.len() - done;
        let factor = can_be_true.iter().rev().find(|&&count| count <= left).copied().unwrap_or(1);
        highest = highest.max((p_values[index] * factor.max(1) as f64).min(1.0));
        adjusted[index] = highest;
    }
    adjusted
}

/// How many of the hypotheses that two of `samples` are equal can be true together, ascending:
/// those within the groups of some partition.
fn can_be_true(samples: usize) -> Vec<usize> {
    let mut all: Vec<Vec<usize>> = vec![vec![0]];
    for count in 1..=samples {
        let mut possible: Vec<usize> = (1..=count)
            .flat_map(|group| all[count - group].iter().map(move |rest| pairs(group) + rest))
            .collect();
        possible.sort_unstable();
        possible.dedup();
        all.push(possible);
    }
    all.pop().unwrap_or_default()
}

/// The number of pairs of `count`.
#[must_use]
pub fn pairs(count: usize) -> usize {
    count * count.saturating_sub(1) / 2
}

/// From claims that one of two differs from the other in a known direction to all that follow
/// from them: if a is better than b, and b better than c, then a is better than c.
pub fn close(better: &mut [Vec<bool>]) {
    for via in 0..better.len() {
        let through = better[via].clone();
        for row in better.iter_mut().filter(|row| row[via]) {
            row.iter_mut().zip(&through).for_each(|(to, &follows)| *to |= follows);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shaffer's table for small numbers of samples.
    #[test]
    fn the_numbers_of_true_hypotheses_are_those_of_the_paper() {
        assert_eq!(can_be_true(3), [0, 1, 3]);
        assert_eq!(can_be_true(4), [0, 1, 2, 3, 6]);
        assert_eq!(can_be_true(5), [0, 1, 2, 3, 4, 6, 10]);
    }

    /// By hand, for three samples: once one equality is false, at most one of the others is true.
    #[test]
    fn a_step_counts_only_what_can_be_true() {
        let adjusted = adjust(&[0.01, 0.04, 0.03], 3);
        let expected = [0.03, 0.04, 0.03];
        assert!(adjusted.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{adjusted:?}");
        assert_eq!(adjust(&[0.04], 2), [0.04]);
        assert!(adjust(&[], 0).is_empty());
    }

    #[test]
    fn what_follows_from_two_claims_is_claimed() {
        let mut better = vec![vec![false; 3]; 3];
        (better[0][1], better[1][2]) = (true, true);
        close(&mut better);
        assert_eq!(better, [[false, true, true], [false, false, true], [false; 3]]);
    }
}
