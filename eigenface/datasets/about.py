"""What is known of data sets that many people have: where they come from, on what terms, what misleads in them."""

from __future__ import annotations

ABOUT = {
    "fer2013": (
        "FER2013 (Goodfellow et al., 2013): faces found by web search for words of feeling, shown without asking the "
        "people; for research. Labels are noisy (people agree with them in about two of three cases), some faces are "
        "there several times, and rows marked PublicTest and PrivateTest must not be learned from."
    ),
    "kaggle_masks": (
        "Kaggle's Face Mask Detection (Larxel, 853 scenes): given as CC0, though the pictures come from the web and "
        "nobody in them was asked. Most faces are under 40 pixels, few are without a mask, not every face has a box, "
        "boxes pass the border, and some scenes are there twice. Crop sets such as MaskON are cut from the same scenes."
    ),
    "lfw": (
        "Labeled Faces in the Wild (Huang et al., 2007): press photographs of public figures, not asked; for research. "
        "Mostly men, most of them white and between 30 and 60; one man has 530 pictures; some people have two names."
    ),
    "mask_csv": (
        "Annotations of Wobot's Face Mask Detection, name,x1,x2,y1,y2,classname: the names of the columns lie. The box "
        "goes from (x1, x2) to (y1, y2). Boxes of hats, glasses and hands stand among those of faces."
    ),
    "olivetti": (
        "scikit-learn's Olivetti faces: the 400 pictures of ORL, 40 people, at 64 x 64. Never judge on one what "
        "learned from the other."
    ),
    "orl": (
        "ORL, or AT&T, Database of Faces (Samaria and Harter, 1994): 40 people of one laboratory, ten pictures each, "
        "free with credit. One or two sittings before one background, so figures flatter; four of the forty are women."
    ),
    "utkface": (
        "UTKFace (Zhang, Song, Qi, 2017): faces from the web, nobody asked; for research, not for trade. Age, sex and "
        "race in the names are partly guesses, and persons are not named, so one may be on both sides of a split."
    ),
    "yale": (
        "Yale Face Database (Belhumeur et al., 1997): 15 people in 11 conditions, for research with citation, not to "
        "be handed on in another set. Nine pictures are there under two names, such as normal and noglasses."
    ),
}
"""A few sentences by kind of data: source, terms and consent, traps."""
