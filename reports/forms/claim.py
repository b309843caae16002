"""CLAIM 2024, 44 items, in our own words."""

from __future__ import annotations

from . import evidence as e
from .items import Guideline, Item

TITLE, INTRODUCTION, DESIGN, DATA = 'Title and abstract', 'Introduction', 'Methods: design', 'Methods: data'
REFERENCE, PARTITIONS, TESTED = 'Methods: reference standard', 'Methods: partitions', 'Methods: test data'
MODEL, TRAINING, EVALUATION = 'Methods: model', 'Methods: training', 'Methods: evaluation'
RESULTS, DISCUSSION, OTHER = 'Results', 'Discussion', 'Other'

CLAIM = Guideline(
    'claim_2024', 'CLAIM 2024',
    'Tejani AS, Klontzas ME, Gatti AA, et al. Checklist for Artificial Intelligence in Medical Imaging (CLAIM): 2024 '
    'update. Radiology: Artificial Intelligence 2024;6(4):e240300. doi:10.1148/ryai.240300', '44 items', (
        Item('1', TITLE, 'Title or abstract name the study as one of AI, and the kind of method.'),
        Item('2', TITLE, 'Abstract with design, methods, results and conclusion.'),
        Item('3', INTRODUCTION, 'Background, and what the method is meant to be used for.'),
        Item('4', INTRODUCTION, 'Aim and hypotheses.', (e.question, e.contrasts)),
        Item('5', DESIGN, 'Whether data were collected for the study or before it.'),
        Item('6', DESIGN, 'Kind of study: a new model, a comparison, feasibility, non-inferiority.', (e.contrasts,),
             'the study’s kind in words'),
        Item('7', DATA, 'Where the data come from.', (e.data_set, e.licence), 'who collected them, where and when'),
        Item('8', DATA, 'Who and which images were included and excluded.'),
        Item('9', DATA, 'What was done to images before the network.', (e.preparation,)),
        Item('10', DATA, 'Which parts of the images or of the data were used.', (e.crops,)),
        Item('11', DATA, 'How identities were removed.'),
        Item('12', DATA, 'How missing data were dealt with.', (e.missing,)),
        Item('13', DATA, 'How the images were taken.', (e.spacing,), 'devices and settings'),
        Item('14', REFERENCE, 'How the reference annotation was made.', (e.landmarks,),
             'how each landmark is defined and was marked'),
        Item('15', REFERENCE, 'Why this reference was chosen.'),
        Item('16', REFERENCE, 'Who annotated, and with what training.', (e.annotators,), 'their qualification'),
        Item('17', REFERENCE, 'How the test images were annotated.', (e.annotators,),
             'whether otherwise than the training images'),
        Item('18', REFERENCE, 'How much annotators differ, from each other and from themselves.', (e.variability,)),
        Item('19', PARTITIONS, 'How images were assigned to training, validation and test.', (e.partition,)),
        Item('20', PARTITIONS, 'At which level partitions have nothing in common.', (e.disjoint,)),
        Item('21', TESTED, 'How many test images were meant, and why.', (e.planning,),
             'how the number was fixed beforehand'),
        Item('22', MODEL, 'The model in full.', (e.architecture,)),
        Item('23', MODEL, 'Libraries and versions.', (e.versions,)),
        Item('24', MODEL, 'What parameters start from.', (e.start,)),
        Item('25', TRAINING, 'How networks were trained.', (e.training,)),
        Item('26', TRAINING, 'How the final network was chosen.', (e.selection,)),
        Item('27', TRAINING, 'Whether networks were combined.', (e.single_networks,)),
        Item('28', EVALUATION, 'Measures of performance.', (e.endpoints,)),
        Item('29', EVALUATION, 'Tests and measures of uncertainty.', (e.tests,)),
        Item('30', EVALUATION, 'Robustness or sensitivity.', (e.sensitivity,)),
        Item('31', EVALUATION, 'Methods that explain outputs.'),
        Item('32', EVALUATION, 'Evaluation on data of the same origin.', (e.internal,)),
        Item('33', EVALUATION, 'Evaluation on data of another origin.'),
        Item('34', EVALUATION, 'Registration, of a clinical trial.'),
        Item('35', RESULTS, 'How many patients or images were included and excluded.', (e.images_used,),
             'those left out before the data set was prepared'),
        Item('36', RESULTS, 'Who is in each partition.', (e.characteristics,),
             'what else is known of the patients'),
        Item('37', RESULTS, 'Performance with its uncertainty.', (e.performance,)),
        Item('38', RESULTS, 'Diagnostic performance with its precision.', (e.measurements,)),
        Item('39', RESULTS, 'What went wrong, and where.', (e.failures,)),
        Item('40', DISCUSSION, 'Limitations.', (e.limits,), 'those of the study'),
        Item('41', DISCUSSION, 'What follows for practice.'),
        Item('42', OTHER, 'Where protocol or technical details are to be had.', (e.plan,), 'where they can be had'),
        Item('43', OTHER, 'Whether code, networks and data are to be had.', (e.program, e.networks, e.licence),
             'where they can be had'),
        Item('44', OTHER, 'Funding, and what the funders did.'),
    ))
