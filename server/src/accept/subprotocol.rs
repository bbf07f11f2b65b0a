//! Subprotocols (RFC 6455, 1.9): names that a client offers, of which the server chooses one.
//! Ticks are the same whatever is chosen.

use tick::Format;

/// The names that the server knows: that of its ticks in any format, and that of its format.
#[must_use]
pub fn known(format: Format) -> Vec<String> {
    vec!["ticks".to_owned(), format!("ticks.{format}")]
}

/// The first of the client's names that the server knows. The names are case-sensitive (RFC
/// 6455, 4.1, which compares them as they are).
#[must_use]
pub fn choose<'k>(offered: &[String], known: &'k [String]) -> Option<&'k str> {
    offered.iter().find_map(|name| known.iter().find(|known| *known == name)).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_known_name_of_the_client_is_chosen() {
        let known = known(Format::Json);
        for (offered, chosen) in [
            (vec!["ticks"], Some("ticks")),
            (vec!["mqtt", "ticks.json", "ticks"], Some("ticks.json")),
            (vec!["ticks.binary"], None),
            (vec!["TICKS"], None),
            (vec![], None),
        ] {
            let offered: Vec<String> = offered.into_iter().map(str::to_owned).collect();
            assert_eq!(choose(&offered, &known), chosen, "{offered:?}");
        }
    }
}
