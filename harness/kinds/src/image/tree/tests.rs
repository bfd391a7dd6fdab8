//! Laws of trees: nothing climbs out, what is legal comes out exactly.
