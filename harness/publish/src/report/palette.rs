//! Colours that can be distinguished with any colour vision, on white and on dark. A client has
//! the same one in every chart of a page.

use contract::Class;
use plotters::style::RGBColor;

/// A colour: red, green, blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour(pub u8, pub u8, pub u8);

impl Colour {
    /// In CSS, `#RRGGBB`.
    #[must_use]
    pub fn css(self) -> String {
        format!("#{:02X}{:02X}{:02X}", self.0, self.1, self.2)
    }

    /// For plotters.
    #[must_use]
    pub fn rgb(self) -> RGBColor {
        RGBColor(self.0, self.1, self.2)
    }
}

/// The colour of text and axes. In dark mode, the page's style sheet replaces this value, and that
/// of [`GRID`].
pub const INK: Colour = Colour(0x22, 0x22, 0x22);
/// The colour of lines behind the data; see [`INK`].
pub const GRID: Colour = Colour(0xE1, 0xE1, 0xE1);

/// The colour of marks beside the main ones; readable on white and on dark.
pub const SOFT: Colour = Colour(0x8A, 0x8A, 0x8A);

/// Of clients: M. Okabe and K. Ito, Color Universal Design (2008), whose yellow comes last, as it
/// is faint on white; then P. Tol's "muted" scheme (Colour Schemes, SRON/EPS/TN/09-002), and seven of our own.
const CLIENTS: [Colour; 22] = [
    Colour(0xE6, 0x9F, 0x00),
    Colour(0x56, 0xB4, 0xE9),
    Colour(0x00, 0x9E, 0x73),
    Colour(0xCC, 0x79, 0xA7),
    Colour(0xD5, 0x5E, 0x00),
    Colour(0x2F, 0x7F, 0xC4),
    Colour(0x8A, 0x8A, 0x8A),
    Colour(0x88, 0x22, 0x55),
    Colour(0x44, 0xAA, 0x99),
    Colour(0x99, 0x99, 0x33),
    Colour(0xCC, 0x66, 0x77),
    Colour(0x66, 0x66, 0xBB),
    Colour(0x11, 0x77, 0x33),
    Colour(0xDD, 0xCC, 0x77),
    Colour(0xAA, 0x44, 0x99),
    Colour(0x99, 0x66, 0x44),
    Colour(0x7A, 0xC7, 0x4F),
    Colour(0xB0, 0x3A, 0x2E),
    Colour(0x33, 0x22, 0x88),
    Colour(0x00, 0x5F, 0x5F),
    Colour(0xE3, 0x4F, 0xA0),
    Colour(0x5C, 0x4A, 0x1E),
];

/// Of the five layers of a backlog, in the order in which a tick passes them: P. Tol's "light"
/// scheme, which no client has.
pub const LAYERS: [Colour; 5] = [
    Colour(0xEE, 0x88, 0x66),
    Colour(0xEE, 0xDD, 0x88),
    Colour(0xBB, 0xCC, 0x33),
    Colour(0x77, 0xAA, 0xDD),
    Colour(0xFF, 0xAA, 0xBB),
];

/// Of the four parts of a response time; parts that correspond to a layer have its colour.
pub const STAGES: [Colour; 4] = [Colour(0xBB, 0xBB, 0xBB), LAYERS[0], LAYERS[3], LAYERS[4]];

/// The classes with their colours: M. Okabe and K. Ito, Color Universal Design (2008), of
/// different lightness, so that they can be told apart in black and white.
pub const CLASSES: [(Class, Colour); 5] = [
    (Class::Library, Colour(0x2F, 0x7F, 0xC4)),
    (Class::Tuned, Colour(0x00, 0x9E, 0x73)),
    (Class::Application, Colour(0xCC, 0x79, 0xA7)),
    (Class::Simulated, Colour(0xE6, 0x9F, 0x00)),
    (Class::Reference, SOFT),
];

/// The colour of a class.
#[must_use]
pub fn of_class(class: Class) -> Colour {
    CLASSES.iter().find(|(one, _)| *one == class).map_or(SOFT, |(_, colour)| *colour)
}

/// Those of the classes that occur, with their colours: a legend.
#[must_use]
pub fn classes(found: impl Iterator<Item = Class>) -> Vec<(String, Colour)> {
    let found: Vec<Class> = found.collect();
    let used = CLASSES.into_iter().filter(|(class, _)| found.contains(class));
    used.map(|(class, colour)| (class.to_string(), colour)).collect()
}

/// Of what slow ticks waited for, the unknown last.
pub const CAUSES: [Colour; 5] =
    [LAYERS[0], LAYERS[1], LAYERS[2], LAYERS[3], Colour(0xBB, 0xBB, 0xBB)];

/// The colours of a page's clients.
#[derive(Debug, Clone, Default)]
pub struct Palette {
    names: Vec<String>,
}

impl Palette {
    /// A palette for these clients; their order does not matter.
    #[must_use]
    pub fn new<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let mut names: Vec<String> = names.map(str::to_owned).collect();
        names.sort();
        names.dedup();
        Self { names }
    }

    /// The colour of a client.
    #[must_use]
    pub fn of(&self, client: &str) -> Colour {
        let place = self.names.iter().position(|name| name == client).unwrap_or(0);
        CLIENTS[place % CLIENTS.len()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_has_its_colour_in_any_order() {
        let one = Palette::new(["tokio", "floor", "glommio"].into_iter());
        let other = Palette::new(["glommio", "tokio", "floor", "floor"].into_iter());
        for name in ["tokio", "floor", "glommio"] {
            assert_eq!(one.of(name), other.of(name));
        }
        assert_ne!(one.of("tokio"), one.of("floor"));
    }

    #[test]
    fn every_client_of_the_suite_has_a_colour_of_its_own() {
        let clients = concat!(env!("CARGO_MANIFEST_DIR"), "/../../clients");
        let dirs = std::fs::read_dir(clients).unwrap().map(|entry| entry.unwrap().path());
        let count = dirs.filter(|dir| dir.join("client.toml").exists()).count();
        assert!((6..=CLIENTS.len()).contains(&count), "{count} clients");
        let colours: std::collections::BTreeSet<String> =
            CLIENTS.iter().map(|colour| colour.css()).collect();
        assert_eq!(colours.len(), CLIENTS.len());
    }

    #[test]
    fn no_layer_looks_like_a_client() {
        assert!(LAYERS.iter().all(|layer| !CLIENTS.contains(layer)));
    }
}
