//! The mood of a text from lists of words: plain, and always the same.

/// What a text sounds like; the score is in hundredths from −100 to 100.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mood {
    pub(super) label: &'static str,
    pub(super) score: i64,
    /// In hundredths.
    pub(super) confidence: i64,
    /// The words that decided.
    pub(super) words: Vec<String>,
}

#[rustfmt::skip]
const GOOD: &[&str] = &[
    "amazing", "appreciate", "awesome", "best", "delighted", "easy", "enjoy", "enjoyed", "excellent", "fantastic",
    "friendly", "glad", "good", "great", "happy", "helped", "helpful", "impressed", "love", "loved", "loves",
    "perfect", "pleased", "quick", "recommend", "satisfied", "smooth", "super", "thank", "thanks", "wonderful", "worth",
    "begeistert", "danke", "dankbar", "empfehlen", "gerne", "gut", "hilfreich", "klasse", "liebe", "prima", "schön",
    "toll", "wunderbar", "zufrieden", "adore", "bien", "génial", "heureux", "merci", "parfait",
    "encanta", "estupendo", "excelente", "feliz", "genial", "gracias", "increíble", "mejor", "grazie", "ottimo", "obrigado",
];
#[rustfmt::skip]
const BAD: &[&str] = &[
    "angry", "annoyed", "annoying", "awful", "bad", "broken", "cancel", "complain", "complaint", "confusing", "disappointed",
    "disappointing", "dispute", "error", "expensive", "fail", "failed", "fails", "fraud", "frustrated", "frustrating", "hate",
    "horrible", "ignored", "late", "leave", "never", "poor", "problem", "problems", "refund", "scam", "slow", "terrible",
    "unacceptable", "unhappy", "upset", "useless", "waste", "worst", "wrong",
    "enttäuscht", "enttäuschend", "fehler", "furchtbar", "kaputt", "kündigen", "langsam", "leider", "mies", "probleme",
    "schlecht", "schrecklich", "teuer", "unzufrieden", "ärgerlich", "arnaque", "cher", "déçu", "horrible", "lent", "mauvais",
    "nul", "problème", "remboursement", "caro", "decepcionado", "lento", "malo", "peor", "problema", "terrible",
];
const TURN: &[&str] =
    &["not", "no", "don't", "didn't", "isn't", "wasn't", "nicht", "kein", "keine", "pas", "sin"];

/// Reads the mood of a text.
pub(super) fn mood(text: &str) -> Mood {
    let lower = text.to_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_alphanumeric() && c != '\'').filter(|word| !word.is_empty()).collect();
    let (mut good, mut bad, mut heard) = (0_i64, 0_i64, Vec::new());
    for (at, word) in words.iter().enumerate() {
        let turned = words[at.saturating_sub(2)..at].iter().any(|before| TURN.contains(before));
        let (is_good, is_bad) = (GOOD.contains(word), BAD.contains(word));
        good += i64::from((is_good && !turned) || (is_bad && turned));
        bad += i64::from((is_bad && !turned) || (is_good && turned));
        let word = (*word).to_owned();
        if (is_good || is_bad) && !heard.contains(&word) && heard.len() < 4 {
            heard.push(word);
        }
    }
    judge(good, bad, heard)
}

fn judge(good: i64, bad: i64, words: Vec<String>) -> Mood {
    let all = good + bad;
    if all == 0 {
        return Mood { label: "neutral", score: 0, confidence: 55, words };
    }
    // Two more than were heard: a single word is no verdict.
    let score = (good - bad) * 100 / (all + 1);
    let label = match score {
        _ if good > 0 && bad > 0 && (-33..=33).contains(&score) => "mixed",
        11.. => "positive",
        ..=-11 => "negative",
        _ => "neutral",
    };
    Mood { label, score, confidence: (55 + 8 * all).min(95), words }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moods_follow_the_words() {
        let texts = [
            ("I love this group, thanks!", "positive"),
            ("The renewal failed twice and support is slow.", "negative"),
            ("Great content, but the app is broken.", "mixed"),
            ("The meeting is on Tuesday.", "neutral"),
            ("Das ist nicht gut.", "negative"),
            ("No problem at all.", "positive"),
        ];

        let labels: Vec<&str> = texts.iter().map(|(text, _)| mood(text).label).collect();

        assert_eq!(labels, texts.map(|(_, label)| label));
    }

    #[test]
    fn the_label_agrees_with_the_score() {
        for (good, bad) in (0..12).flat_map(|good| (0..12).map(move |bad| (good, bad))) {
            let Mood { label, score, confidence, .. } = judge(good, bad, Vec::new());

            assert!((-100..=100).contains(&score) && (0..=100).contains(&confidence));
            assert_eq!(label == "positive", score > 10 && label != "mixed", "{good} {bad}");
            assert_eq!(label == "negative", score < -10 && label != "mixed", "{good} {bad}");
        }
    }
}
