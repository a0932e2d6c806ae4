// The score: out of spelling and meaning, how probably a key is the one that was meant.
#pragma once

#include "guards.hpp"

namespace fuzzydict {

constexpr int WORD_FEATURES = 24;
constexpr int PHRASE_FEATURES = 41;
constexpr int SAME_FORMS = 40;  // the place of a feature
constexpr size_t SCORED_WORDS = 24;   // of a text
constexpr size_t SCORED_TERMS = 128;  // words and phrases of a text
constexpr float SHORT_FORM = 0.8f;    // the least likeness of a key that is a short form of a query

// Two layers: x -> w2 . tanh(x w1 + b1) + b2.
struct Network {
    int inputs = 0, hidden = 0;
    std::vector<float> w1, b1, w2;  // hidden ones of zeros fill the last block
    float b2 = 0;

    Network() = default;
    Network(int inputs, int units, const float* first, const float* bias, const float* second, float b2)
        : inputs(inputs), hidden((units + BLOCK - 1) / BLOCK * BLOCK), b2(b2) {
        size_t width = static_cast<size_t>(hidden);
        w1.assign(width * static_cast<size_t>(inputs), 0);
        b1.assign(width, 0);
        w2.assign(width, 0);
        for (int i = 0; i < inputs; i++)
            std::copy(first + i * units, first + (i + 1) * units, w1.begin() + i * hidden);
        std::copy(bias, bias + units, b1.begin());
        std::copy(second, second + units, w2.begin());
    }

    float operator()(const float* x, float* sums) const {
        std::copy(b1.begin(), b1.end(), sums);
        add_layer(x, inputs, w1.data(), hidden, sums);
        return b2 + activated(sums, w2.data(), hidden);
    }
};

inline float probability(float logit) { return static_cast<float>(1 / (1 + std::exp(-static_cast<double>(logit)))); }

// A word or phrase as the score sees it.
struct Word {
    View text;
    Letters letters;
    Meaning meaning;
    bool number = false;
    const uint32_t* forms = nullptr;  // short hashes of the word and of what it is inflected from
    size_t form_count = 0;
    uint32_t variant = 0;
};

// A word or phrase of a query.
struct QueryWord {
    Word word;
    Pattern pattern;
    std::vector<float> vector;  // none where the word has none
    std::vector<uint32_t> forms;
    std::u32string initials;  // with which the word, or what it may be inflected from, begins
    bool knows_forms = false;

    void prepare(View text, Letters letters, bool number, const Meaning& meaning, const Vocabulary& vocabulary) {
        word = {text, letters, meaning, number, nullptr, 0, short_hash(variant_hash(text))};
        pattern.prepare(letters);
        knows_forms = false;
        vector.assign(static_cast<size_t>(vocabulary.table.dimension), 0.0f);
        vocabulary.add_to(meaning, meaning.trust, vector.data());
        initials.assign(letters.substr(0, 1));
        vocabulary.irregular.each(text, hash_of(text), [&](View base) { decode(first_character(base), initials); });
    }

    void find_forms(const Vocabulary& vocabulary) {
        if (knows_forms) return;
        knows_forms = true;
        forms.assign(1, short_hash(hash_of(word.text)));
        each_base(word.text, vocabulary.irregular, [&](View base) {
            forms.push_back(short_hash(hash_of(base)));
            return false;
        });
        word.forms = forms.data();
        word.form_count = forms.size();
    }
};

// Is one the head of the other, a phrase: 1; is it another word of it: -1; or neither: 0?
inline float part(View one, View other) {
    View word = one.size() < other.size() ? one : other, phrase = one.size() < other.size() ? other : one;
    if (word.find(' ') != View::npos || phrase.find(' ') == View::npos) return 0;
    size_t last = phrase.rfind(' ') + 1;
    if (phrase.substr(last) == word) return 1;
    for (View rest = phrase.substr(0, last); !rest.empty();) {
        View first = rest.substr(0, rest.find(' '));
        if (first == word) return -1;
        rest.remove_prefix(first.size() + 1);
    }
    return 0;
}

// What is known of a word of a query and one of a key. Without ``vectors`` they have no meaning.
inline void word_features(QueryWord& query, const Word& key, const Vocabulary& vocabulary, bool vectors, float* x) {
    const Word& word = query.word;
    std::fill(x, x + WORD_FEATURES, 0.0f);
    float trusts[2] = {vectors ? word.meaning.trust : 0, vectors ? key.meaning.trust : 0};
    float cosine = 0;  // the query's vector is times its trust already
    if (trusts[0] > 0 && trusts[1] > 0) cosine = vocabulary.product(key.meaning, query.vector.data()) * trusts[1];
    int edits = similarities(query.pattern, key.letters, x);
    x[6] = cosine;
    x[7] = std::max(cosine - 0.4f, 0.0f);
    x[8] = trusts[0];
    x[9] = trusts[1];
    float ours = static_cast<float>(word.letters.size()), theirs = static_cast<float>(key.letters.size());
    float longer = std::max(ours, theirs), shorter = std::min(ours, theirs);
    x[10] = std::min(shorter, 12.0f) / 8;
    x[11] = (longer - shorter) / std::max(longer, 1.0f);
    x[12] = word.meaning.rarity;
    x[13] = key.meaning.rarity;
    x[14] = word.number;
    x[15] = cosine - trusts[0] * trusts[1] * (word.meaning.density + key.meaning.density) / 2;
    x[16] = word.meaning.density;
    x[17] = key.meaning.density;
    x[19] = static_cast<float>(std::min(edits, 4)) / 4;
    if (edits == 1) x[20] = slip(word.letters, key.letters);
    x[21] = word.meaning.name;
    x[22] = key.meaning.name;
    x[23] = part(word.text, key.text);
    if (key.letters.empty() || query.initials.find(key.letters[0]) == std::u32string::npos) return;
    if (word.text == key.text) {
        x[3] = x[4] = x[5] = x[18] = 1;
        return;
    }
    query.find_forms(vocabulary);
    for (uint32_t form : query.forms)
        if (std::find(key.forms, key.forms + key.form_count, form) != key.forms + key.form_count) x[4] = 1;
    x[18] = word.variant == key.variant;
    if (ours < theirs) {
        x[5] = abbreviation(word.letters, key.letters);
    } else if (theirs < ours && word.meaning.rarity < 1) {
        x[5] = abbreviation(key.letters, word.letters);
        if (x[5] < SHORT_FORM) x[5] = 0;
    }
}

// How much a term counts, how much it distinguishes keys, and whether it has any content.
struct Weights {
    float each[3];

    Weights(float rarity, float distinct) : each{rarity, rarity * distinct, std::min(2 * rarity, 1.0f)} {}
};

// The words of a text that have no counterpart: whether one of them is the head, adds something, is
// a name, or is a word of other keys. Each feature is 1 where there is none.
struct Unmatched {
    float head = 0, adds = 0, name = 0, used = 0;

    void add(const Meaning& meaning, float uncovered, bool is_head, float in_others) {
        if (is_head) head = uncovered;
        adds = std::max(adds, uncovered * (1 - meaning.redundant));
        name = std::max(name, uncovered * meaning.name);
        used = std::max(used, uncovered * in_others);
    }

    void write(float* x, float* last) const {
        x[0] = 1 - head;
        x[1] = 1 - adds;
        x[2] = 1 - name;
        *last = 1 - used;
    }
};

// The place of the head of a phrase: the word before the first connector, or the last one.
template <class Text> size_t head_of(size_t count, Text text) {
    static constexpr View CONNECTORS[] = {
        "of", "for", "from", "in", "to", "by", "with", "at", "on", "per",
    };
    for (size_t i = 1; i < count; i++)
        if (is_one_of(text(i), CONNECTORS)) return i - 1;
    return count ? count - 1 : 0;
}

struct Span {
    uint8_t start, end;
};

}  // namespace fuzzydict
