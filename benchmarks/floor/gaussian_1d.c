/* gaussian-1d's adversarial step, written out for its sizes: G 1-4-1, D 1-8-8-8-1, a batch of 12, gradient descent.

   The mathematics is that of shared/gans/gaussian_1d.py: D first, on real samples and on a batch that G makes for it,
   by the mean of -log D(real) - log(1 - D(fake)); then G, on a new batch through the updated D, by the mean of
   -log D(fake). Compiled twice, with REAL as float and as double. Samples are the last, contiguous axis, so that a
   compiler can put them side by side in one register. Weights are (out, in), as in the canonical state. */

#include <tgmath.h>

#ifndef REAL
#error "REAL is not set; compile with -DREAL=float or -DREAL=double, and -DTRAIN=<name of the function>"
#endif

/* G's batch is filled up with zeros to whole registers; what is computed of those columns is multiplied by 0. */
enum { BATCH = 12, BOTH = 24, PADDED = 16, HIDDEN_G = 4, HIDDEN_D = 8 };

typedef struct {
    REAL hidden_weight[HIDDEN_G], hidden_bias[HIDDEN_G], output_weight[HIDDEN_G], output_bias;
} Generator;

typedef struct {
    REAL weight1[HIDDEN_D], bias1[HIDDEN_D];
    REAL weight2[HIDDEN_D][HIDDEN_D], bias2[HIDDEN_D];
    REAL weight3[HIDDEN_D][HIDDEN_D], bias3[HIDDEN_D];
    REAL output_weight[HIDDEN_D], output_bias;
} Discriminator;

/* What a forward pass leaves for the backward one; delta1 to delta3 are gradients by the sums that tanh takes. */
typedef struct {
    REAL hidden1[HIDDEN_D][BOTH], hidden2[HIDDEN_D][BOTH], hidden3[HIDDEN_D][BOTH], probability[BOTH];
    REAL delta1[HIDDEN_D][BOTH], delta2[HIDDEN_D][BOTH], delta3[HIDDEN_D][BOTH], delta[BOTH];
} Pass;

/* What G's forward pass leaves; sums are what softplus takes. */
typedef struct {
    REAL latent[PADDED], sums[HIDDEN_G][PADDED], softplus[HIDDEN_G][PADDED], fake[PADDED];
} Made;

#define EACH(index, count) for (int index = 0; index < (count); index++)

static inline REAL sigmoid(REAL x) { return (REAL)1 / ((REAL)1 + exp(-x)); }

static inline void generate(const Generator *g, const REAL *latent, Made *made) {
    EACH(n, PADDED) made->latent[n] = n < BATCH ? latent[n] : (REAL)0;
    EACH(n, PADDED) made->fake[n] = g->output_bias;
    EACH(j, HIDDEN_G) {
        EACH(n, PADDED) made->sums[j][n] = g->hidden_weight[j] * made->latent[n] + g->hidden_bias[j];
        /* In this form no exponential overflows. */
        EACH(n, PADDED) {
            REAL sum = made->sums[j][n];
            made->softplus[j][n] = (sum > 0 ? sum : (REAL)0) + log1p(exp(-fabs(sum)));
        }
        EACH(n, PADDED) made->fake[n] += g->output_weight[j] * made->softplus[j][n];
    }
}

static inline void layer(REAL weight[HIDDEN_D][HIDDEN_D], const REAL *bias, REAL in[HIDDEN_D][BOTH],
                         REAL out[HIDDEN_D][BOTH], int count) {
    EACH(i, HIDDEN_D) {
        REAL sums[BOTH];
        EACH(n, count) sums[n] = bias[i];
        EACH(j, HIDDEN_D) EACH(n, count) sums[n] += weight[i][j] * in[j][n];
        EACH(n, count) out[i][n] = tanh(sums[n]);
    }
}

static inline void discriminate(Discriminator *d, const REAL *x, Pass *pass, int count) {
    EACH(i, HIDDEN_D) EACH(n, count) pass->hidden1[i][n] = tanh(d->weight1[i] * x[n] + d->bias1[i]);
    layer(d->weight2, d->bias2, pass->hidden1, pass->hidden2, count);
    layer(d->weight3, d->bias3, pass->hidden2, pass->hidden3, count);
    REAL sums[BOTH];
    EACH(n, count) sums[n] = d->output_bias;
    EACH(j, HIDDEN_D) EACH(n, count) sums[n] += d->output_weight[j] * pass->hidden3[j][n];
    EACH(n, count) pass->probability[n] = sigmoid(sums[n]);
}

static inline void layer_back(REAL weight[HIDDEN_D][HIDDEN_D], REAL above[HIDDEN_D][BOTH], REAL out[HIDDEN_D][BOTH],
                              REAL delta[HIDDEN_D][BOTH], int count) {
    EACH(j, HIDDEN_D) {
        REAL sums[BOTH];
        EACH(n, count) sums[n] = 0;
        EACH(i, HIDDEN_D) EACH(n, count) sums[n] += weight[i][j] * above[i][n];
        EACH(n, count) delta[j][n] = sums[n] * ((REAL)1 - out[j][n] * out[j][n]);
    }
}

/* From pass->delta, the gradient by the score before its sigmoid, down to the first layer. */
static inline void backward(Discriminator *d, Pass *pass, int count) {
    EACH(j, HIDDEN_D) EACH(n, count) {
        REAL out = pass->hidden3[j][n];
        pass->delta3[j][n] = d->output_weight[j] * pass->delta[n] * ((REAL)1 - out * out);
    }
    layer_back(d->weight3, pass->delta3, pass->hidden2, pass->delta2, count);
    layer_back(d->weight2, pass->delta2, pass->hidden1, pass->delta1, count);
}

static inline REAL dot(const REAL *a, const REAL *b, int count) {
    REAL total = 0;
    EACH(n, count) total += a[n] * b[n];
    return total;
}

static inline REAL sum(const REAL *a, int count) {
    REAL total = 0;
    EACH(n, count) total += a[n];
    return total;
}

static inline void update_layer(REAL weight[HIDDEN_D][HIDDEN_D], REAL *bias, REAL delta[HIDDEN_D][BOTH],
                                REAL in[HIDDEN_D][BOTH], REAL rate) {
    EACH(i, HIDDEN_D) {
        EACH(j, HIDDEN_D) weight[i][j] -= rate * dot(delta[i], in[j], BOTH);
        bias[i] -= rate * sum(delta[i], BOTH);
    }
}

static inline REAL discriminator_phase(const Generator *g, Discriminator *d, const REAL *real, const REAL *latent,
                                       REAL rate) {
    Pass pass;
    Made made;
    REAL x[BOTH], terms[BATCH];
    generate(g, latent, &made);
    EACH(n, BATCH) x[n] = real[n];
    EACH(n, BATCH) x[n + BATCH] = made.fake[n];
    discriminate(d, x, &pass, BOTH);
    const REAL *p = pass.probability;
    EACH(n, BATCH) terms[n] = -(log(p[n]) + log((REAL)1 - p[n + BATCH]));
    EACH(n, BATCH) pass.delta[n] = (p[n] - (REAL)1) / BATCH;
    EACH(n, BATCH) pass.delta[n + BATCH] = p[n + BATCH] / BATCH;
    backward(d, &pass, BOTH);
    EACH(j, HIDDEN_D) d->output_weight[j] -= rate * dot(pass.delta, pass.hidden3[j], BOTH);
    d->output_bias -= rate * sum(pass.delta, BOTH);
    update_layer(d->weight3, d->bias3, pass.delta3, pass.hidden2, rate);
    update_layer(d->weight2, d->bias2, pass.delta2, pass.hidden1, rate);
    EACH(i, HIDDEN_D) {
        d->weight1[i] -= rate * dot(pass.delta1[i], x, BOTH);
        d->bias1[i] -= rate * sum(pass.delta1[i], BOTH);
    }
    return sum(terms, BATCH) / BATCH;
}

static inline REAL generator_phase(Generator *g, Discriminator *d, const REAL *latent, REAL rate) {
    Pass pass;
    Made made;
    REAL terms[PADDED], delta_fake[PADDED];
    generate(g, latent, &made);
    discriminate(d, made.fake, &pass, PADDED);
    EACH(n, PADDED) terms[n] = n < BATCH ? -log(pass.probability[n]) : (REAL)0;
    EACH(n, PADDED) pass.delta[n] = n < BATCH ? (pass.probability[n] - (REAL)1) / BATCH : (REAL)0;
    backward(d, &pass, PADDED);
    EACH(n, PADDED) delta_fake[n] = 0;
    EACH(i, HIDDEN_D) EACH(n, PADDED) delta_fake[n] += d->weight1[i] * pass.delta1[i][n];
    EACH(j, HIDDEN_G) {
        REAL delta[PADDED];
        EACH(n, PADDED) delta[n] = g->output_weight[j] * delta_fake[n] * sigmoid(made.sums[j][n]);
        g->output_weight[j] -= rate * dot(delta_fake, made.softplus[j], PADDED);
        g->hidden_weight[j] -= rate * dot(delta, made.latent, PADDED);
        g->hidden_bias[j] -= rate * sum(delta, PADDED);
    }
    g->output_bias -= rate * sum(delta_fake, PADDED);
    return sum(terms, PADDED) / BATCH;
}

/* Trains num_steps steps. real, latent_d, latent_g: (num_steps, 12). losses_d, losses_g: (num_steps,), written.
   counter: updates made before. The rate falls in stairs: initial * factor^(counter / every), rounded down. */
void TRAIN(Generator *g, Discriminator *d, long num_steps, long counter, double initial, double factor, long every,
           const REAL *real, const REAL *latent_d, const REAL *latent_g, REAL *losses_d, REAL *losses_g) {
    REAL rate = 0;
    for (long step = 0; step < num_steps; step++, counter++) {
        if (step == 0 || counter % every == 0) rate = (REAL)(initial * pow(factor, (double)(counter / every)));
        losses_d[step] = discriminator_phase(g, d, real + step * BATCH, latent_d + step * BATCH, rate);
        losses_g[step] = generator_phase(g, d, latent_g + step * BATCH, rate);
    }
}
