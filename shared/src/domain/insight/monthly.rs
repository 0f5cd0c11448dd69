//! Monthly recurring revenue of one membership, in integers.

/// A price per billing period as minor units a month, rounded half up. Nothing without a period.
///
/// By the period's days, first match: a month; a year is a twelfth; a quarter a third; half a year a sixth; one to
/// three weeks by 52 weeks a year; otherwise by 365 days a year.
pub fn monthly(minor: i64, period_days: u32) -> Option<i64> {
    let (times, by): (i128, i128) = match period_days {
        0 => return None,
        28..=31 => (1, 1),
        360 | 365 | 366 => (1, 12),
        89..=92 => (1, 3),
        180..=184 => (1, 6),
        7 | 14 | 21 => (52, 12 * i128::from(period_days / 7)),
        other => (365, 12 * i128::from(other)),
    };
    let doubled = i128::from(minor) * times * 2 + by;
    i64::try_from(doubled.div_euclid(2 * by)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worked_examples() {
        assert_eq!(monthly(4_900, 30), Some(4_900));
        assert_eq!(monthly(12_500, 365), Some(1_042));
        assert_eq!(monthly(1_200, 7), Some(5_200));
        assert_eq!(monthly(1_200, 14), Some(2_600));
        assert_eq!(monthly(10_000, 90), Some(3_333));
        assert_eq!(monthly(10_000, 182), Some(1_667));
        assert_eq!(monthly(1_000, 10), Some(3_042));
        assert_eq!(monthly(1_000, 0), None);
    }
}
