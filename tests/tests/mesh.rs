//! More people than can all be linked to each other. With hundreds of them: `cargo xtask sim --crowd N`.

#![allow(missing_docs)]

use bocage_tests::crowd::live;

#[test]
fn eight_are_linked_all_to_all() {
    let figures = live(1, 8, 4);
    assert_eq!((figures.links, figures.all_links), (7, 28));
    assert_eq!(figures.hops, 1);
}

/// They come and go, and are together all the while; and each change comes to everybody, once.
#[test]
fn sixteen_stay_together_by_few_links() {
    let figures = live(2, 16, 6);
    assert!(figures.links <= 6, "{figures}");
    assert!(figures.links_in_churn <= 16, "{figures}");
    assert!(figures.hops <= 4, "{figures}");
    assert!(figures.all_links <= 48, "{figures}");
}
